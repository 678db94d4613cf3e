"""What a Compose model becomes: the record's base, the candidate beside the live project, the live
project itself. All pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from pipeline.kit.compose_candidate import CandidateRules
from pipeline.kit.compose_model import Service, services
from pipeline.kit.compose_text import escaped, mapped, pairs
from pipeline.kit.hashing import fingerprint
from pipeline.kit.health import quick_start
from pipeline.kit.labels import PROJECT
from pipeline.kit.notes import Note
from pipeline.kit.reach import LOOPBACK
from pipeline.kit.secret_refs import names as secret_names
from pipeline.kit.secret_refs import reference
from pipeline.kit.sharing import NOTHING, Sharing
from pipeline.kit.units import parse_duration
from pipeline.ports.compose import Model
from pipeline.ports.engine import Health

LabelsFor = Callable[[str], Mapping[str, str]]
"""Service name (``""`` for what belongs to none) → labels."""

_DURATIONS = ("interval", "timeout", "start_period", "start_interval")
_NOT_RUN = ("build", "profiles", "develop", "pull_policy", "label_file", "env_file")
"""Keys of a service that have no meaning for a resolved model with pinned images."""


def base(
    model: Model, *, secrets: Collection[str] = (), healths: Mapping[str, Health | None],
    start_interval: bool,
) -> Model:  # fmt: skip
    """What a record keeps: the resolved model without what only concerns building.

    Compose secrets that come from an environment variable with the name of one of ``secrets``
    become references, mounted where the secret would be. ``healths`` are the health checks of
    images; checks are asked early where the engine knows ``start_interval``.
    """
    changed = {
        name: _with_quick_health(
            _without(_with_secret_files(service, model, secrets), _NOT_RUN),
            healths.get(name),
            start_interval,
        )
        for name, service in services(model).items()
    }
    kept = {
        key: model[key] for key in ("networks", "volumes", "configs", "secrets") if key in model
    }
    replaced = _referenced(model, secrets)
    kept["configs"] = dict(kept.get("configs") or {}) | {
        name: {"content": reference(variable)} for name, variable in replaced.items()
    }
    kept["secrets"] = _without(kept.get("secrets") or {}, replaced)
    return {"name": model.get("name", ""), "services": changed} | {
        k: v for k, v in kept.items() if v
    }


def _without(mapping: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    dropped = set(keys)
    return {key: value for key, value in mapping.items() if key not in dropped}


def _referenced(model: Model, known: Collection[str]) -> dict[str, str]:
    """Compose secrets whose variable is a secret of the pipeline: name → variable."""
    declared = model.get("secrets") or {}
    return {
        name: secret["environment"]
        for name, secret in declared.items()
        if secret.get("environment") in known
    }


def undeclared(model: Model, known: Collection[str]) -> dict[str, str]:
    """Compose secrets from environment variables that are no secret of the pipeline, so that their
    values would be missing when the record is used: name → variable."""
    declared = model.get("secrets") or {}
    taken = {name: secret.get("environment") for name, secret in declared.items()}
    return {
        name: variable for name, variable in taken.items() if variable and variable not in known
    }


def _with_secret_files(service: Service, model: Model, known: Collection[str]) -> Service:
    """Compose takes a secret's value from a file or its own environment only; as a config it is
    mounted just the same, and its value travels with the model."""
    replaced = _referenced(model, known)
    moved = [s for s in service.get("secrets") or () if s.get("source") in replaced]
    if not moved:
        return service
    configs = [*(service.get("configs") or ()), *map(_as_config, moved)]
    return {
        **service,
        "configs": configs,
        "secrets": [s for s in service["secrets"] if s not in moved],
    }


def _as_config(secret: Mapping[str, Any]) -> dict[str, Any]:
    target = str(secret.get("target") or secret["source"])
    path = target if target.startswith("/") else f"/run/secrets/{target}"
    return {**secret, "target": path}


def _with_quick_health(service: Service, image: Health | None, known: bool) -> Service:
    written = service.get("healthcheck") or {}
    if written.get("disable"):
        return service
    own = _health(written)
    merged = own if own.test or image is None else _merged(image, own)
    quick = quick_start(merged, known)
    if not merged.test or quick == merged:
        return service
    added = {
        "start_period": f"{quick.start_period:g}s",
        "start_interval": f"{quick.start_interval:g}s",
    }
    return {**service, "healthcheck": {**written, **added}}


def _health(written: Mapping[str, Any]) -> Health:
    test = written.get("test") or ()
    durations = {key: parse_duration(written[key]) for key in _DURATIONS if written.get(key)}
    words = (test,) if isinstance(test, str) else tuple(test)
    return Health.model_validate({"test": words, **durations})


def _merged(image: Health, own: Health) -> Health:
    return image.model_copy(update=own.model_dump(exclude_none=True, exclude={"test"}))


def as_candidate(
    model: Model, *, project: str, images: Mapping[str, str], labels: LabelsFor,
    exposed: Mapping[str, Iterable[int]], host_ip: str = LOOPBACK, sharing: Sharing = NOTHING,
    file: str = "compose.yaml",
) -> tuple[Model, tuple[Note, ...]]:  # fmt: skip
    """A second project of its own beside the live one, and what is told about it.

    ``model`` is a ``base``; ``images`` has the image id of every service; ``exposed`` are container
    ports to publish beside those that the model names; ``file`` is for messages.

    Raises:
        ConfigError: something cannot be there twice, each with the reason.
    """
    rules = CandidateRules(sharing, host_ip, model, file)
    changed = {
        name: rules.service(name, service, exposed.get(name, ()))
        | {"image": images[name], "pull_policy": "never", "labels": dict(labels(name))}
        for name, service in services(model).items()
    }
    rules.refuse()
    result = {
        **model,
        "name": project,
        "services": changed,
        "networks": rules.networks(labels("")),
        "volumes": rules.volumes(labels("")),
    }
    return result, rules.notes


def as_live(
    model: Model, *, project: str, images: Mapping[str, str], labels: LabelsFor,
    restart: str | None = None, one_shots: Collection[str] = (),
) -> Model:  # fmt: skip
    """The user's own project as it is, with pinned images and labels.

    ``restart`` is the policy of services that have none and are not in ``one_shots``. Labels must
    not differ from release to release where a container shall stay: Compose replaces containers
    whose labels have changed. Volumes get no labels at all, for the same reason: Compose would
    offer to delete them.
    """
    changed = {
        name: {
            **service,
            "image": images[name],
            "pull_policy": "never",
            "labels": pairs_escaped(service.get("labels")) | dict(labels(name)),
        }
        | _restart(service, None if name in one_shots else restart)
        for name, service in services(model).items()
    }
    networks = {
        name: network if network.get("external") else _labelled(network, labels(""))
        for name, network in (model.get("networks") or {}).items()
    }
    return {**model, "name": project, "services": changed, "networks": networks}


def lasting(model: Model, names: Collection[str], restart: str) -> Model:
    """The same, in which the services ``names`` have a restart policy even if they gave none: they
    are known to go on running, so they are no one-shots."""
    changed = {
        name: {**service, **_restart(service, restart if name in names else None)}
        for name, service in services(model).items()
    }
    return {**model, "services": changed}


def pairs_escaped(values: Any) -> dict[str, str]:
    """Labels in either spelling, still as Compose reads them."""
    return {key: escaped(value) for key, value in pairs(values).items()}


def _restart(service: Service, policy: str | None) -> dict[str, str]:
    return {"restart": policy} if policy and not service.get("restart") else {}


def _labelled(network: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    own = {PROJECT: labels[PROJECT]} if PROJECT in labels else {}
    return {**network, "labels": pairs_escaped(network.get("labels")) | own}


def with_secrets(model: Model, expand: Callable[[str], str]) -> Model:
    """The model with the secrets' values; for Compose only, never for a record."""

    def change(text: str) -> str:
        return expand_escaped(text, expand) if secret_names(text) else text

    return {**model, **mapped({k: v for k, v in model.items() if k != "name"}, change)}


def expand_escaped(text: str, expand: Callable[[str], str]) -> str:
    """Every reference in ``text`` replaced by its value as Compose has to read it."""
    for name in dict.fromkeys(secret_names(text)):
        text = text.replace(reference(name), escaped(expand(reference(name))))
    return text


def environment(model: Model, expand: Callable[[str], str]) -> str:
    """A hash over the values that the services see: environment and configs, secrets included."""
    full = with_secrets(model, expand)
    seen = {name: service.get("environment") for name, service in services(full).items()}
    return fingerprint(seen, full.get("configs") or {})
