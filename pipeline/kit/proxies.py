"""Whose ``X-Forwarded-…`` a proxy of ours passes on."""

PRIVATE = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fd00::/8", "fe80::/10",
    "::1/128",
)  # fmt: skip
"""Addresses that no stranger on the internet has."""
ANYBODY = ("0.0.0.0/0", "::/0")
