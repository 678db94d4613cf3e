"""Apps that are no object for a server, but a script that a program of its own serves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.kit.authoring.python.dependencies import Dependencies
from pipeline.kit.authoring.sources import Sources

_FIRST = ("streamlit_app", "app", "main", "Home", "home", "Main", "server", "dashboard", "index")


@dataclass(frozen=True)
class Console:
    package: str
    command: str
    """With ``{file}``; a shell fills in ``$PORT``."""
    port: int
    used: str
    """Regular expression of what the script has that is the app."""
    health: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    def script(self, sources: Sources) -> str | None:
        """The script that is the app: one of a usual name, else the nearest one."""
        pattern = re.compile(self.used, re.MULTILINE)
        files = [file for file in sources.files if pattern.search(sources.tree.read(file))]
        files = [file for file in files if "pages/" not in file]

        def rank(file: str) -> tuple[int, int]:
            stem = file.rpartition("/")[2].removesuffix(".py")
            return file.count("/"), _FIRST.index(stem) if stem in _FIRST else len(_FIRST)

        return min(files, key=rank, default=None)


ALL = (
    Console(
        "streamlit",
        'streamlit run {file} --server.address 0.0.0.0 --server.port "$PORT"',
        8501, r"^\s*(?:import|from) streamlit\b", "/_stcore/health",
        {"STREAMLIT_SERVER_HEADLESS": "true", "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false"},
    ),
    Console(
        "chainlit", 'chainlit run {file} --headless --host 0.0.0.0 --port "$PORT"', 8000,
        r"^\s*(?:import|from) chainlit\b",
    ),
    Console(
        "panel", 'panel serve {file} --address 0.0.0.0 --port "$PORT" --allow-websocket-origin "*"',
        5006, r"\.servable\(",
    ),
    Console(
        "bokeh", 'bokeh serve {file} --address 0.0.0.0 --port "$PORT" --allow-websocket-origin "*"',
        5006, r"\bcurdoc\(",
    ),
    Console("shiny", 'shiny run --host 0.0.0.0 --port "$PORT" {file}', 8000,
            r"^\s*(?:import|from) shiny\b"),
    Console("marimo", 'marimo run {file} --headless --host 0.0.0.0 --port "$PORT"', 2718,
            r"\bmarimo\.App\("),
    Console("solara", 'solara run {file} --production --host 0.0.0.0 --port "$PORT"', 8765,
            r"^\s*(?:import|from) solara\b"),
    Console("gradio", 'GRADIO_SERVER_PORT="$PORT" python {file}', 7860, r"\.launch\(",
            environment={"GRADIO_SERVER_NAME": "0.0.0.0"}),  # noqa: S104 - the container's own
    Console("nicegui", "python {file}", 8080, r"\bui\.run\("),
)  # fmt: skip


def find(dependencies: Dependencies, sources: Sources) -> tuple[Console, str] | None:
    """The first that the app depends on and has a script for."""
    for console in ALL:
        if dependencies.has(console.package) and (file := console.script(sources)):
            return console, file
    return None
