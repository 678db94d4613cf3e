"""What is told, as people and as programs read it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pipeline.kit.notifying.hooks import Occasion

_COLOURS: dict[Occasion, str] = {
    "success": "good", "failure": "danger", "degraded": "danger", "recovered": "good",
}  # fmt: skip
_SHOWN = ("project", "service", "release", "commit", "url", "run")


@dataclass(frozen=True, kw_only=True)
class Message:
    """``event`` says what ``text`` tells in words; ``at`` is a Unix time."""

    event: Occasion
    text: str
    project: str
    service: str = ""
    release: str = ""
    commit: str = ""
    url: str = ""
    run: str = ""
    reason: str = ""
    at: float = 0.0

    def data(self) -> dict[str, Any]:
        """What there is, as a JSON object."""
        return {key: value for key, value in asdict(self).items() if value not in ("", 0.0)}

    def payload(self) -> dict[str, Any]:
        """The same for a webhook: as Slack, Mattermost and Rocket.Chat show it."""
        known = self.data()
        fields = [
            {"title": key, "value": str(known[key]), "short": len(str(known[key])) < 40}
            for key in _SHOWN
            if key in known
        ]
        attachment = {"fallback": self.text, "color": _COLOURS[self.event], "fields": fields}
        return {"text": self.text, "attachments": [attachment], "event": known}
