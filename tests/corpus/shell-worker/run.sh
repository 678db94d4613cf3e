#!/usr/bin/env bash
trap 'exit 0' TERM
while true; do
  echo "hello from shell-worker"
  sleep 30 &
  wait $!
done
