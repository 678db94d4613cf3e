"""Every instruction can be declared in pipeline.yml, in each of its forms."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.kit.dockerfile import parse, render
from pipeline.kit.dockerfile.declared import Entry, build


class Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    instructions: tuple[Entry, ...]


def text_of(declared: str) -> str:
    entries = Options.model_validate({"instructions": yaml.safe_load(declared)}).instructions
    dockerfile = build(entries)
    text = render(dockerfile)
    assert parse(text) == dockerfile
    return text


EVERYTHING = r"""
- "# One of each."
- ARG: {VERSION: "3.13", PLAIN: null}
- stage: build
  from: python:${VERSION}-slim
  platform: linux/amd64
  steps:
    - RUN pip install --upgrade pip
    - RUN:
        command: pip install -r requirements.txt
        mount:
          - type=cache,target=/root/.cache/pip
          - type=bind,source=requirements.txt,target=requirements.txt
- FROM: {image: python:3.13-slim, as: final}
- ENV: {GREETING: hello "world", DEBUG: false, PATH: "/venv/bin:$PATH"}
- LABEL: {org.opencontainers.image.title: A title}
- RUN: |
    apt-get update &&
    apt-get install --yes libpq5
- RUN: [/bin/echo, "a b"]
- RUN:
    script: |
      cd /tmp
      touch done
- COPY: requirements.txt ./
- COPY: [a file, /b/]
- COPY: {from: build, source: [/a, /b], target: /c/, chown: "app:app", link: true}
- COPY: {content: "key = $value\n", target: /etc/app.conf}
- ADD: {source: "https://example.com/x.tgz", target: /x, checksum: "sha256:0", keep-git-dir: true}
- WORKDIR: /app
- EXPOSE: [8000, 53/udp]
- EXPOSE: 80
- VOLUME: /data
- USER: 10001
- SHELL: [/bin/bash, -c]
- STOPSIGNAL: SIGINT
- ONBUILD: {RUN: make}
- HEALTHCHECK: {CMD: [python, check.py], interval: 5s, start-period: 20s, retries: 3}
- ENTRYPOINT: [tini, --]
- CMD: gunicorn app:app
"""

RENDERED = r"""# One of each.
ARG VERSION=3.13 PLAIN

FROM --platform=linux/amd64 python:${VERSION}-slim AS build
RUN pip install --upgrade pip
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=bind,source=requirements.txt,target=requirements.txt \
    pip install -r requirements.txt

FROM python:3.13-slim AS final
ENV GREETING="hello \"world\"" \
    DEBUG=false \
    PATH=/venv/bin:$PATH
LABEL org.opencontainers.image.title="A title"
RUN apt-get update && \
    apt-get install --yes libpq5
RUN ["/bin/echo", "a b"]
RUN <<EOF
set -e
cd /tmp
touch done
EOF

COPY requirements.txt ./
COPY ["a file", "/b/"]
COPY --from=build --chown=app:app --link /a /b /c/
COPY <<"EOF" /etc/app.conf
key = $value
EOF

ADD --checksum=sha256:0 --keep-git-dir https://example.com/x.tgz /x
WORKDIR /app
EXPOSE 8000 53/udp
EXPOSE 80
VOLUME /data
USER 10001
SHELL ["/bin/bash", "-c"]
STOPSIGNAL SIGINT
ONBUILD RUN make
HEALTHCHECK --interval=5s --start-period=20s --retries=3 CMD ["python", "check.py"]
ENTRYPOINT ["tini", "--"]
CMD gunicorn app:app
"""


def test_every_instruction_in_its_forms() -> None:
    assert text_of(EVERYTHING) == RENDERED


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ([{"FROM": "a"}, {"RUN": "x", "CMD": "y"}], "one instruction"),
        ([{"FROM": "a"}, "RUN x\nUSER root"], "one instruction"),
        ([{"FROM": "a"}, {"MAINTAINER": "me"}], "MAINTAINER"),
        ([{"FROM": "a"}, "MAINTAINER me"], "LABEL org.opencontainers.image.authors"),
        ([{"FROM": "a"}, {"RUN": {"command": "x", "mounts": []}}], "mounts"),
        ([{"FROM": "a"}, {"RUN": {"mount": ["type=cache,target=/x"]}}], "command or script"),
        ([{"FROM": "a"}, {"ADD": {"source": "x", "target": "/", "from": "y"}}], "from"),
        ([{"FROM": "a"}, {"COPY": {"target": "/"}}], "source or content"),
        ([{"FROM": "a"}, {"COPY": ["x"]}], "COPY needs more"),
        ([{"FROM": "a"}, {"ENV": {}}], "needs a value"),
        ([{"FROM": "a"}, {"WORKDIR": None}], "needs a value"),
        ([{"FROM": "a"}, {"SHELL": []}], "SHELL needs more"),
        ([{"from": "a"}], "steps"),
    ],
)
def test_what_makes_no_sense_is_a_mistake_in_the_file(declared: Any, says: str) -> None:
    with pytest.raises((ValidationError, ValueError), match=says):
        build(Options.model_validate({"instructions": declared}).instructions)


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ([{"RUN": "x"}], "must be FROM"),
        ([{"FROM": "a"}, {"LABEL": {"a": "x\nUSER root"}}], "LABEL"),
        ([{"FROM": "a"}, {"ENV": {"T": "{secret:TOKEN}"}}], "the secret TOKEN"),
    ],
)
def test_what_a_dockerfile_cannot_or_must_not_say(declared: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        build(Options.model_validate({"instructions": declared}).instructions)
