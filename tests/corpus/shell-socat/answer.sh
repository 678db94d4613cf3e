#!/bin/sh
read -r request
body=$(echo '{"says": "hello from shell-socat"}' | jq -r .says)
printf 'HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' "${#body}" "$body"
