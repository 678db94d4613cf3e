"""``notify:`` as the hooks that it stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.config.models import NotifyOptions, WebhookSecret
from pipeline.config.nodes import ListNode, MapNode, ScalarNode
from pipeline.config.pipeline import SecretSource
from pipeline.config.secrets import declare
from pipeline.errors import Problem
from pipeline.kit.notifying import Hook


def hooks(
    options: Sequence[NotifyOptions], secrets: Mapping[str, SecretSource], directory: Path
) -> tuple[Hook, ...]:
    """One for each entry; a secret comes with the place of its value."""
    return tuple(_hook(one, secrets, directory) for one in options)


def _hook(options: NotifyOptions, secrets: Mapping[str, SecretSource], directory: Path) -> Hook:
    if options.command is not None:
        return Hook(on=options.on, command=options.command, directory=str(directory))
    if not isinstance(options.webhook, WebhookSecret):
        return Hook(on=options.on, url=options.webhook or "")
    source = secrets[options.webhook.secret]
    return Hook(
        on=options.on, secret=source.name, env=source.env or "", file=str(source.file or "")
    )


def check_secrets(root: MapNode, names: Iterable[str]) -> list[Problem]:
    """Each ``{secret: NAME}`` of a webhook whose NAME is not declared."""
    declared, problems = tuple(names), []
    entries = root.items.get("notify")
    for number, entry in enumerate(entries.items if isinstance(entries, ListNode) else ()):
        webhook = entry.items.get("webhook") if isinstance(entry, MapNode) else None
        name = webhook.items.get("secret") if isinstance(webhook, MapNode) else None
        if isinstance(name, ScalarNode) and name.text and name.text not in declared:
            where = replace(name.where, key=f"notify[{number}].webhook.secret")
            what = f"no secret {name.text} is declared"
            problems.append(Problem(what, where, declare(name.text, declared)))
    return problems
