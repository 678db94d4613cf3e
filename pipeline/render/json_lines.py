"""Events as JSON Lines, the form that docs/events.md documents."""

from __future__ import annotations

import json
from typing import TextIO

from pipeline.events import Event


class JsonRenderer:
    """One object a line, ASCII only, so that no control byte and no encoding gets in the way."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        self._stream.write(json.dumps(event.to_json(), ensure_ascii=True) + "\n")
        self._stream.flush()

    def close(self) -> None:
        self._stream.flush()
