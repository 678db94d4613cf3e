#!/bin/bash
# What the official image promises: a database cluster made at first start from POSTGRES_* and
# /docker-entrypoint-initdb.d, then the server.
set -Eeuo pipefail

# from_file NAME: sets NAME to the content of the file that NAME_FILE names, if it is set
from_file() {
  local file="${1}_FILE"
  if [ -n "${!file:-}" ]; then
    export "$1=$(<"${!file}")"
    unset "$file"
  fi
}

init() {
  for name in POSTGRES_PASSWORD POSTGRES_USER POSTGRES_DB; do from_file "$name"; done
  local user="${POSTGRES_USER:-postgres}"
  local database="${POSTGRES_DB:-$user}"
  local method="${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}"
  if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "$method" != trust ]; then
    echo 'Error: Database is uninitialized and superuser password is not specified.' >&2
    echo '       You must specify POSTGRES_PASSWORD to a non-empty value for the' >&2
    echo '       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".' >&2
    exit 1
  fi
  # word splitting is what POSTGRES_INITDB_ARGS is for
  # shellcheck disable=SC2086
  initdb --username="$user" --pwfile=<(printf '%s\n' "${POSTGRES_PASSWORD:-}") \
    ${POSTGRES_INITDB_ARGS:-}
  printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"

  # Reachable only through the socket until it is filled.
  PGPASSWORD="${POSTGRES_PASSWORD:-}" pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
  if [ "$database" != postgres ]; then
    psql --username="$user" --dbname=postgres --no-password -v ON_ERROR_STOP=1 \
      --set db="$database" <<<'CREATE DATABASE :"db";'
  fi
  for file in /docker-entrypoint-initdb.d/*; do
    case "$file" in
      *.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
      *.sql) psql --username="$user" --dbname="$database" -v ON_ERROR_STOP=1 -f "$file" ;;
      *.sql.gz) gunzip -c "$file" | psql --username="$user" --dbname="$database" -v ON_ERROR_STOP=1 ;;
    esac
  done
  pg_ctl -D "$PGDATA" -m fast -w stop
  printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

if [ "${1#-}" != "$1" ]; then
  set -- postgres "$@"
fi
if [ "$1" = postgres ]; then
  if [ "$(id -u)" = 0 ]; then
    install -d -m 700 -o postgres -g postgres "$PGDATA"
    chown -R postgres:postgres "$PGDATA" /var/run/postgresql
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
  fi
  [ -s "$PGDATA/PG_VERSION" ] || init
fi
exec "$@"
