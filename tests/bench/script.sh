#!/bin/sh
# What people write by hand: build, run, curl, push, commit, swap, until the new one answers. No
# rollback, no checks of what is shipped, nobody served during the swap, no cleanup after a failure.
set -eu
name=$1 port=$2 registry=$3
answers() {
    for _ in $(seq 100); do
        curl -fsS -o /dev/null "http://$1/" 2>/dev/null && return
        sleep 0.1
    done
    return 1
}
docker build -q -t "$name:latest" . >/dev/null
docker rm -f "$name-test" >/dev/null 2>&1 || true
docker run -d --name "$name-test" -e PORT=5000 -p 127.0.0.1::5000 "$name:latest" >/dev/null
address=$(docker port "$name-test" 5000)
answers "$address"
curl -fsS "http://$address/" | grep -q Hello
docker tag "$name:latest" "$registry/$name:latest"
docker push -q "$registry/$name:latest" >/dev/null
git add -A && git diff --cached --quiet || git commit -q -m "release"
docker rm -f "$name-test" "$name" >/dev/null 2>&1 || true
docker run -d --name "$name" -e PORT=5000 -p "$port:5000" "$name:latest" >/dev/null
answers "localhost:$port"
