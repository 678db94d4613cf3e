#!/bin/sh
# What is no program is for bun.
set -e
if [ "${1#-}" != "$1" ] || ! command -v "$1" >/dev/null; then
  set -- bun "$@"
fi
exec "$@"
