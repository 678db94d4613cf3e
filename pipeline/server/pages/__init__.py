"""What people and programs see of the server: pages, live logs, a JSON API, metrics, a badge."""

from pipeline.server.pages.board import Actions, Board, Listed, Waiting
from pipeline.server.pages.door import Door
from pipeline.server.pages.headers import SafeHeaders
from pipeline.server.pages.health import Health, engine_asker
from pipeline.server.pages.routing import page_routes, problems

__all__ = [
    "Actions", "Board", "Door", "Health", "Listed", "SafeHeaders", "Waiting", "engine_asker",
    "page_routes", "problems",
]  # fmt: skip
