"""The GitHub workflow of `dockcycle init --github`: the same pipeline.yml, on every push."""

from __future__ import annotations

import re

from pipeline import __version__

PATH = ".github/workflows/dockcycle.yml"
ACTION = f"dockcycle/dockcycle@v{__version__}"
"""Where the action is, unless `--action` says otherwise."""
_CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
_ON_GITHUB = re.compile(r"github\.com[:/](?P<slug>[\w.-]+/[\w.-]+?)(?:\.git)?/?$")
_UNKNOWN = "OWNER/NAME"
_TEXT = """\
name: dockcycle
on:
  push:
    branches: [main]
  pull_request:

permissions: {}

concurrency: dockcycle-${{ github.ref }}

jobs:
  check:
    name: Build and test
    if: github.event_name == 'pull_request'
    runs-on: ubuntu-latest
    timeout-minutes: 30
    permissions:
      contents: read
    steps:
      - uses: @CHECKOUT@
        with: {fetch-depth: 0, persist-credentials: false}
      - uses: @ACTION@
        with: {to: smoke}

  ship:
    name: Build, test and publish
    if: github.event_name == 'push'
    runs-on: ubuntu-latest
    timeout-minutes: 30
    permissions:
      contents: write # `track` commits the Dockerfile
      packages: write # `push` to ghcr.io
    outputs:
      digest: ${{ steps.dockcycle.outputs.digest }}
    steps:
      - uses: @CHECKOUT@
        with: {fetch-depth: 0}
      - uses: @ACTION@
        id: dockcycle
        with:
          # Without `to` also the last stage, `operate`: on the engine that DOCKER_HOST names.
          to: track
          set: |
            stages.push.to=[ghcr.io/@REPOSITORY@]
            stages.push.tags=["{commit}", latest]
            stages.track.push=origin
          registry: ghcr.io
          username: ${{ github.actor }}
          password: ${{ github.token }}
          cache: ghcr.io/@REPOSITORY@:latest

  # For those who release on a server of their own, by `dockcycle serve`: asks it to do so. The
  # variable DOCKCYCLE_HOOK is its address, such as https://deploy.example.com/hooks/NAME, and the
  # secret DOCKCYCLE_SECRET the one that it knows.
  deploy:
    name: Deploy
    needs: ship
    if: vars.DOCKCYCLE_HOOK != ''
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - name: Ask the server to deploy
        shell: python
        env:
          HOOK: ${{ vars.DOCKCYCLE_HOOK }}
          SECRET: ${{ secrets.DOCKCYCLE_SECRET }}
          BRANCH: ${{ github.ref_name }}
          COMMIT: ${{ github.sha }}
          RUN: ${{ github.run_id }}-${{ github.run_attempt }}
        run: |
          import hashlib, hmac, json, os, urllib.request

          body = json.dumps({key: os.environ[key.upper()] for key in ("branch", "commit", "run")})
          mac = hmac.new(os.environ["SECRET"].encode(), body.encode(), hashlib.sha256).hexdigest()
          call = urllib.request.Request(
              os.environ["HOOK"], body.encode(), {"X-Dockcycle-Signature": f"sha256={mac}"}
          )
          print(urllib.request.urlopen(call, timeout=30).read().decode())
"""


def workflow(remote: str | None, action: str = ACTION) -> str:
    """The file, for a repository whose remote is at the URL ``remote``."""
    found = _ON_GITHUB.search(remote or "")
    values = {
        "CHECKOUT": _CHECKOUT,
        "ACTION": action,
        "REPOSITORY": found["slug"].lower() if found else _UNKNOWN,
    }
    return re.sub(r"@([A-Z]+)@", lambda match: values[match[1]], _TEXT)
