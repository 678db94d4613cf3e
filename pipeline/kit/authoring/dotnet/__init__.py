"""Dockerfiles for .NET: published by the SDK, run by the runtime that the project needs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from pipeline.errors import StageFailed
from pipeline.kit.authoring import blocks, parts, probes, starting
from pipeline.kit.authoring.contract import Authored, Reason, Reasons, Wishes
from pipeline.kit.authoring.sources import Sources
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.authoring.versions import check
from pipeline.kit.dockerfile import model as m

DEFAULT = "10.0"
KNOWN = ("8.0", "9.0", "10.0")
"""Versions that have an image and are looked after, oldest first."""
_PROJECTS = (".csproj", ".fsproj", ".vbproj")
_REGISTRY = "mcr.microsoft.com/dotnet"
_UID = "1654"
"""The user ``app`` of the runtime images."""
_CACHE = "/root/.nuget/packages"
_FRAMEWORK = re.compile(r"<TargetFrameworks?>\s*net(\d+\.\d+)")
_ASSEMBLY = re.compile(r"<AssemblyName>\s*([^<\s]+)\s*<")
_REFERENCE = re.compile(r"<ProjectReference\s+Include=\"([^\"]+)\"")
_RUNS = re.compile(r"Microsoft\.NET\.Sdk\.(?:Web|Worker)|<OutputType>\s*Exe", re.IGNORECASE)
_TESTS = re.compile(r"Microsoft\.NET\.Test\.Sdk|<IsTestProject>\s*true", re.IGNORECASE)
_CENTRAL = (
    "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props", "nuget.config",
    "NuGet.config", "NuGet.Config", "global.json",
)  # fmt: skip
_PORT = (
    re.compile(r"UseUrls\(\"https?://[^:\"]+:(\d{2,5})"),
    re.compile(r"\bapp\.Run\(\"https?://[^:\"]+:(\d{2,5})"),
    re.compile(r"ListenAnyIP\(\s*(\d{2,5})"),
)
_USUAL = 8080


class Dotnet:
    name = ".NET"
    key = "dotnet"
    looks_for = ("*.csproj", "*.fsproj", "*.sln")

    def recognises(self, tree: Tree, wishes: Wishes) -> Reason | None:
        if wishes.dotnet:
            return Reason("language", self.name, "asked for by `dotnet:`", "pipeline.yml")
        top = [path for path in tree.files if "/" not in path]
        suffixes = (*_PROJECTS, ".sln", ".slnx")
        if known := next((path for path in top if path.endswith(suffixes)), None):
            return Reason("language", self.name, "there is such a file", known)
        if (project := next(iter(_projects(tree)), None)) and tree.first("global.json"):
            return Reason("language", self.name, "there is such a project", project)
        return None

    def author(self, tree: Tree, wishes: Wishes) -> Authored:
        return _Author(tree, wishes).author()


def _projects(tree: Tree) -> list[str]:
    return [path for path in tree.files if path.endswith(_PROJECTS)]


class _Author:
    def __init__(self, tree: Tree, wishes: Wishes) -> None:
        self.tree = tree
        self.wishes = wishes
        self.reasons = Reasons()
        self.project = self._project()
        self.text = tree.read(self.project)
        self.version = self._version()
        self.web = "Microsoft.NET.Sdk.Web" in self.text
        said = starting.said(tree, wishes, self.reasons)
        named = _ASSEMBLY.search(self.text)
        stem = posixpath.basename(self.project).rpartition(".")[0]
        self.command = wishes.start or ("dotnet", f"{named[1] if named else stem}.dll")
        folder = posixpath.dirname(self.project)
        code = (path for path in tree.files if path.endswith((".cs", ".fs", ".vb")))
        self.sources = Sources(tree, sorted(code, key=lambda path: not path.startswith(folder)))
        self.port = None
        if wishes.port or (self.web and (said is None or said.listens)):
            self.port = starting.port(
                self.sources, wishes, self.reasons, command=self.command, patterns=_PORT,
                usual=_USUAL,
            )  # fmt: skip

    def _project(self) -> str:
        """The project that is the app.

        Raises:
            StageFailed: there is none, or it cannot be told which.
        """
        projects = [p for p in _projects(self.tree) if not _TESTS.search(self.tree.read(p))]
        running = [path for path in projects if _RUNS.search(self.tree.read(path))]
        web = [path for path in running if "Sdk.Web" in self.tree.read(path)]
        for few in (running, web):
            if len(few) == 1:
                others = [path for path in running if path != few[0]]
                because = f"not {', '.join(others)}" if others else "it makes a program"
                self.reasons.note("project", few[0], because, few[0], doubtful=bool(others))
                return few[0]
        raise StageFailed(
            "this is .NET, and it cannot be told which project is the app: "
            f"{', '.join(running) or 'none makes a program'}",
            hint="Name the folder of the app: `code: {path: …}`.",
        )

    def _version(self) -> str:
        if self.wishes.dotnet:
            chosen = self.wishes.dotnet
            chosen = chosen if "." in chosen else f"{chosen}.0"
            self.reasons.note("dotnet", chosen, "asked for by `dotnet:`", "pipeline.yml")
            return chosen
        places = [self.project, *(p for p in _CENTRAL[:1] if self.tree.has(p))]
        for file in places:
            found = _FRAMEWORK.findall(self.tree.read(file))
            if found:
                version = max(found, key=lambda each: tuple(map(int, each.split("."))))
                line = self.tree.line_of(file, f"net{version}")
                check("dotnet", str(version), file, line)
                known = version in KNOWN
                because = "its target" if known else "its target; not one that is looked after"
                self.reasons.note("dotnet", version, because, file, line=line, doubtful=not known)
                return str(version)
        self.reasons.note("dotnet", DEFAULT, "no file names a version, so a current one")
        return DEFAULT

    def author(self) -> Authored:
        runtime = "aspnet" if self.web else "runtime"
        items = blocks.paragraphs(
            [m.From(f"{_REGISTRY}/sdk:{self.version}", "build")],
            self._restore(),
            self._publish(),
            [m.From(f"{_REGISTRY}/{runtime}:{self.version}")],
            [blocks.env(self._environment())],
            blocks.apt(self.wishes.packages, "System packages that the app needs."),
            [
                *blocks.comment("The image's own user, who owns nothing but the app's folder."),
                blocks.run(f"install --directory --owner={_UID} --group={_UID} /app"),
                m.Workdir("/app"),
            ],
            [parts.from_build("/out", "./")],
            self._run(),
        )
        return Authored(".NET", m.Dockerfile(items), tuple(self.reasons.found), self.port)

    def _referenced(self) -> list[str]:
        """The project and all that it refers to."""
        found: dict[str, None] = {}
        waiting = [self.project]
        while waiting:
            path = waiting.pop()
            if path in found or not self.tree.has(path):
                continue
            found[path] = None
            folder = posixpath.dirname(path)
            for match in _REFERENCE.finditer(self.tree.read(path)):
                other = match[1].replace("\\", "/")
                waiting.append(posixpath.normpath(posixpath.join(folder, other)))
        return sorted(found)

    def _restore(self) -> list[m.Item]:
        projects = self._referenced()
        locks = [posixpath.join(posixpath.dirname(p), "packages.lock.json") for p in projects]
        locks = [path for path in locks if self.tree.has(path)]
        central = [path for path in _CENTRAL if self.tree.has(path)]
        locked = " --locked-mode" if len(locks) == len(projects) else ""
        return [
            m.Workdir("/src"),
            *blocks.comment(parts.DEPENDENCIES_FIRST),
            *parts.copies([*central, *projects, *locks]),
            blocks.run(f"dotnet restore{locked} {self.project}", caches=[_CACHE]),
        ]

    def _publish(self) -> list[m.Item]:
        publish = f"dotnet publish {self.project} --configuration Release --no-restore"
        options = "--output /out -p:UseAppHost=false"
        return [parts.code(), blocks.run(f"{publish} {options}", caches=[_CACHE])]

    def _environment(self) -> dict[str, object]:
        values: dict[str, object] = {"DOTNET_EnableDiagnostics": 0}
        return values | ({"PORT": self.port} if self.port is not None else {})

    def _run(self) -> list[m.Item]:
        command: str | Sequence[str] = self.command
        if self.port is not None and not self.wishes.start:
            # ASP.NET has a variable of its own for ports.
            command = f'ASPNETCORE_HTTP_PORTS="$PORT" {" ".join(self.command)}'
        return parts.ending(_UID, self.port, command, self._health())

    def _health(self) -> Sequence[str] | None:
        if self.port is None:
            return None
        return probes.choose(probes.bash, self.sources.health_route(), self.reasons)
