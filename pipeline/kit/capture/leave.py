"""What of a container is no part of how it is made: traces of running, data, secrets."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence

TRACES: Mapping[str, Sequence[str]] = {
    "the engine's own": (
        r"/proc/.*", r"/sys/.*", r"/dev/.*", r"/\.dockerenv",
        r"/etc/(hostname|hosts|resolv\.conf|mtab)",
    ),
    "caches": (
        r"/var/cache/.*", r"(.*/)?\.cache/.*", r"(.*/)?\.npm/.*", r"(.*/)?__pycache__(/.*)?",
        r".*\.py[co]", r"/etc/ld\.so\.cache", r"/var/lib/apt/lists/.*", r"(.*/)?\.yarn/cache/.*",
    ),
    "logs": (r"/var/log/.*", r".*\.log(\.\d+)?(\.gz)?"),
    "what is only there while it runs": (
        r"/run/.*", r"/var/run/.*", r"/(var/)?tmp/.*", r"/var/(spool/)?mail/.*",
        r"/var/spool/(exim4|postfix|mqueue)/.*", r".*\.(pid|sock)", r".*~",
        r"(.*/)?\.[^/]*\.sw[op]",
    ),
    "histories of shells and editors": (
        r"(.*/)?\.(bash|ash|zsh|python|node_repl|sqlite|mysql|psql)_history",
        r"(.*/)?\.(viminfo|lesshst|wget-hsts)",
    ),
    "what packages note for themselves": (
        r"/var/lib/(apt|dpkg|systemd|ucf|pam|update-rc\.d|python|aptitude|polkit-1|shells\.state)"
        r"(/.*)?",
        r"/etc/rc[0-6S]\.d/.*", r"/etc/systemd/(system|user)/[^/]+\.(wants|requires)/.*",
        r"/etc/init\.d/\.depend\..*", r"/etc/\.pwd\.lock", r"/etc/machine-id", r"/etc/mailcap",
        r"/etc/alternatives/.*",
    ),
    "accounts": (r"/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?",),
}  # fmt: skip
"""Why it is left out → regular expressions over the whole path."""

DATA = (
    r"/var/lib/(mysql|mariadb|postgresql|redis|valkey|mongodb|elasticsearch|opensearch|rabbitmq|"
    r"influxdb|grafana|prometheus|clickhouse|cassandra|neo4j|couchdb|docker|containerd|meilisearch)"
    r"/.*"
)
"""What a program keeps: it belongs into a volume."""

SECRETS = (
    r"(.*/)?id_(rsa|dsa|ecdsa|ed25519)(_sk)?", r".*\.(key|p12|pfx|jks|keystore|kdbx)",
    r"(.*/)?\.env(\.(?!example$|sample$|template$|dist$)[^/]+)?",
    r"(.*/)?\.(netrc|pgpass|my\.cnf|git-credentials|pypirc|htpasswd)", r"(.*/)?htpasswd",
    r"(.*/)?\.(aws|kube|ssh|gnupg|azure|gcloud)/.*", r"(.*/)?\.docker/config\.json",
    r"/etc/ssl/private/.+", r"/etc/ssh/ssh_host_.*", r"/etc/apt/auth\.conf(\.d/.*)?",
    r"(.*/)?credentials(\.(json|ya?ml|ini))?",
)  # fmt: skip
"""Files that hold a secret by their name."""

_TRACES = {reason: re.compile("|".join(patterns)) for reason, patterns in TRACES.items()}
_DATA = re.compile(DATA)
_SECRETS = re.compile("|".join(SECRETS))


def trace(path: str) -> str | None:
    """Which kind of trace it is; None for a path that may mean something."""
    return next((reason for reason, rule in _TRACES.items() if rule.fullmatch(path)), None)


def is_data(path: str) -> bool:
    return _DATA.fullmatch(path) is not None


def is_secret(path: str) -> bool:
    return _SECRETS.fullmatch(path) is not None


def is_sayable(text: str) -> bool:
    """Can a Dockerfile, and a file system elsewhere, have it: no control bytes, and UTF-8?"""
    return text.isprintable()


def is_below(path: str, folders: Sequence[str]) -> bool:
    """Is it one of ``folders``, or in one?"""
    return any(path == folder or path.startswith(f"{folder.rstrip('/')}/") for folder in folders)


def above(path: str) -> list[str]:
    """The folders that it is in, the nearest first, without the root."""
    found = []
    while (path := posixpath.dirname(path)) != "/":
        found.append(path)
    return found
