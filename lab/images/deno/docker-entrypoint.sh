#!/bin/sh
# The name of one of Deno's own commands, or an option, is for deno; anything else is a program.
set -e
case $1 in
  -* | bench | bundle | cache | check | compile | coverage | doc | eval | fmt | info | init | install | \
    lint | publish | repl | run | serve | task | test | types | upgrade) exec deno "$@" ;;
esac
exec "$@"
