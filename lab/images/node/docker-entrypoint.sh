#!/bin/sh
set -e
# Arguments that are options, or not a command, are for node.
if [ "${1#-}" != "${1}" ] || [ -z "$(command -v "${1}")" ]; then
  set -- node "$@"
fi
exec "$@"
