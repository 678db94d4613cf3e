#!/bin/sh
# One process for each request, as inetd had it.
set -eu
exec socat "TCP-LISTEN:${PORT:-8300},reuseaddr,fork" SYSTEM:./answer.sh
