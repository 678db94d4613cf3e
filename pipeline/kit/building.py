"""What exactly is built: from evidence, options and Compose files to one request per service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, field_validator

from pipeline.artifacts import SINGLE, DockerfileInfo, Frozen, Source
from pipeline.errors import StageFailed, UsageError
from pipeline.kit import content, labels, references, secret_refs
from pipeline.kit.compose_model import BuildSpec, FileOrVariable
from pipeline.kit.container_options import Hosts, Names, SecretNames, Texts
from pipeline.kit.dockerfile.secrets import is_secret_value
from pipeline.kit.ignore import DEFAULT_IGNORE, Ignore
from pipeline.ports import Repo
from pipeline.ports.engine import BuildRequest

OCI = "org.opencontainers.image"
_SHORTEST_SECRET = 4


class BuildChoices(Frozen):
    """What the user decides about builds; with Compose it holds for every service, on top of what
    the Compose file says."""

    args: Texts = Field(default={})
    """Build arguments. They can be read in the image: no secrets."""
    secrets: SecretNames = Field(default={})
    """Mount id → name of a secret of the pipeline; a list for those that are called alike."""
    target: str | None = None
    platforms: Names = ()
    cache_from: Names = ()
    cache_to: Names = ()
    no_cache: bool = False
    pull: bool = False
    """Ask for newer base images, every time."""
    labels: Texts = Field(default={})
    ssh: Names = ()
    network: str | None = None
    extra_hosts: Hosts = Field(default={})
    contexts: Mapping[str, str] = Field(default={})
    """Named build contexts: folder (from the app's), URL, or ``docker-image://…``."""

    @field_validator("args", "labels")
    @classmethod
    def _no_secrets(cls, values: Mapping[str, str]) -> Mapping[str, str]:
        for key, value in values.items():
            if names := secret_refs.names(value):
                raise ValueError(
                    f"{key} would leave the secret {names[0]} readable in the image; give it to "
                    f"the build as `secrets: [{names[0]}]`"
                )
        return values


@dataclass(frozen=True)
class Values:
    """Where the values of secrets come from."""

    names: tuple[str, ...]
    """All that the pipeline declares."""
    get: Callable[[str], str]
    variables: Mapping[str, str]
    """The environment, for secrets that a Compose file takes from there."""

    def of_compose(self, mount: str, place: FileOrVariable) -> str:
        """The value of a Compose build secret.

        Raises:
            UsageError: its file or variable is missing.
        """
        if place.environment in self.names:
            return self.get(place.environment)
        if place.environment is not None and place.environment in self.variables:
            return self.variables[place.environment]
        if place.file is not None and Path(place.file).is_file():
            return Path(place.file).read_text(encoding="utf-8")
        wanted = place.file or f"the variable {place.environment}"
        raise UsageError(f"the build secret {mount} is to come from {wanted}, which is not there")


def request(
    service: str, info: DockerfileInfo, spec: BuildSpec | None, choices: BuildChoices, *,
    project: str, source: Source, values: Values,
) -> BuildRequest:  # fmt: skip
    """The build of one service, without tags. What the user chose wins over the Compose file.

    Raises:
        UsageError: a secret has no value.
        StageFailed: a secret would get into the image through an argument.
    """
    spec = spec or BuildSpec(service=service, context=info.context)
    args = {**spec.args, **choices.args}
    _refuse_secrets(args, values)
    secrets = {mount: values.of_compose(mount, place) for mount, place in spec.secrets.items()}
    secrets |= {mount: values.get(name) for mount, name in choices.secrets.items()}
    return BuildRequest(
        context=info.context,
        dockerfile_text=info.text,
        dockerfile_name=info.path,
        ignore_text=ignore_text(info),
        target=choices.target or spec.target,
        args=args,
        secrets=secrets,
        ssh=choices.ssh or spec.ssh,
        labels={
            **oci_labels(source, _title(project, service)),
            **spec.labels,
            **choices.labels,
            **labels.labels(project, "image", service=service),
        },
        platforms=choices.platforms or spec.platforms,
        cache_from=choices.cache_from or spec.cache_from,
        cache_to=choices.cache_to or spec.cache_to,
        no_cache=choices.no_cache or spec.no_cache,
        pull=choices.pull or spec.pull,
        network=choices.network or spec.network,
        extra_hosts={**spec.extra_hosts, **choices.extra_hosts},
        contexts={**spec.contexts, **_contexts(choices.contexts, Path(source.path))},
    )


def local_names(project: str, service: str, tags: Iterable[str]) -> list[str]:
    """``hello:1.0`` for a single container, ``shop-web:1.0`` for a service."""
    repository = references.path_component(_title(project, service))
    return [f"{repository}:{tag}" for tag in tags]


def oci_labels(source: Source, title: str) -> dict[str, str]:
    """What the image is made from. ``created`` is the time of the commit, not of the build, so that
    the same source gives the same image."""
    dirty = "-dirty" if source.dirty else ""
    pairs = {
        "title": title,
        "revision": f"{source.commit}{dirty}" if source.commit else "",
        "created": source.committed,
        "source": source.remote or "",
        "version": source.versions[0] if source.versions else "",
    }
    return {f"{OCI}.{key}": value for key, value in pairs.items() if value}


def ignore_text(info: DockerfileInfo) -> str:
    """The ignore rules that the build uses."""
    file = Path(info.ignore_file) if info.ignore_file else None
    if file is None or not file.is_file():
        return DEFAULT_IGNORE
    return file.read_text(encoding="utf-8", errors="surrogateescape")


def content_of(context: str, ignore: str, repo: Repo) -> str:
    """A hash of all that a build sees of a folder.

    Raises:
        StageFailed: a link leads out of it, or a file cannot be read.
    """
    listed = repo.files(context) if repo.head(context) else None
    return content.content_hash(Path(context), Ignore.parse(ignore), listed)


def _title(project: str, service: str) -> str:
    return project if service == SINGLE else f"{project}-{service}"


def _contexts(declared: Mapping[str, str], app: Path) -> dict[str, str]:
    """Named contexts with absolute folders; URLs and images as they are."""
    found = {}
    for name, place in declared.items():
        if "://" in place or place.startswith("service:"):
            found[name] = place
            continue
        folder = (app / place).resolve()
        if not folder.is_dir():
            raise UsageError(f"the build context {name} is to be {folder}, which is no folder")
        found[name] = str(folder)
    return found


def _refuse_secrets(args: Mapping[str, str], values: Values) -> None:
    """Arguments stay in the image's history, for whoever has the image."""
    for name, value in args.items():
        known = [*secret_refs.names(value), *(s for s in values.names if _holds(value, s, values))]
        if not known and not is_secret_value(value):
            continue
        secret = known[0] if known else name
        what = f"holds the secret {secret}" if known else "looks like a secret"
        raise StageFailed(
            f"the build argument {name} {what}, which would be readable in the image",
            hint=f"Mount it: `build: {{secrets: [{secret}]}}`, and in the Dockerfile "
            f"`RUN --mount=type=secret,id={secret}` where it is used.",
        )


def _holds(text: str, secret: str, values: Values) -> bool:
    """Is the secret's value in ``text``? One that has no value here cannot be."""
    try:
        value = values.get(secret)
    except UsageError:
        return False
    return len(value) >= _SHORTEST_SECRET and value in text
