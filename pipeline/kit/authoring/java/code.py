"""What the code and the settings of an app on the Java machine say."""

from __future__ import annotations

import posixpath
import re

from pipeline.errors import StageFailed
from pipeline.kit.authoring.contract import Reasons
from pipeline.kit.authoring.sources import Sources
from pipeline.kit.authoring.tree import Tree

PORT = (
    re.compile(r"server\.port\s*[=:]\s*(?:\$\{[\w.]+:)?(\d{2,5})"),
    re.compile(r"quarkus\.http\.port\s*[=:]\s*(?:\$\{\w+:)?(\d{2,5})"),
    re.compile(r"^\s*port\s*[:=]\s*[\"']?(?:\$\{\w+:)?(\d{2,5})", re.MULTILINE),
    re.compile(r"\(\s*\"PORT\"\s*,\s*\"?(\d{2,5})"),
    re.compile(r"\"PORT\"\][\s\S]{0,80}?(\d{4,5})"),
    re.compile(r"getenv\(\"PORT\"\)[\s\S]{0,200}?\b(\d{4,5})\b"),
    re.compile(r"InetSocketAddress\((?:\"[^\"]*\",\s*)?(\d{2,5})\)"),
    re.compile(r"(?:\.start|\.listen|\bport|addHttpListener|new Server)\(\s*(\d{2,5})"),
    re.compile(r"\b[Pp]ort\b\s*=\s*(\d{2,5})"),
)
LISTENS = re.compile(
    r"HttpServer|ServerSocket|Javalin|embeddedServer|Undertow|Vertx|new Server\(|spark\.Spark"
    r"|@RestController|@Controller|WebServer|EngineMain"
)
_MAIN = re.compile(
    r"static\s+(?:final\s+)?void\s+main\s*\(|^\s*void\s+main\s*\(|^fun\s+main\s*\(", re.MULTILINE
)
_PACKAGE = re.compile(r"^\s*package\s+([\w.]+)", re.MULTILINE)
_SETTINGS = (
    "application.properties", "application.yml", "application.yaml", "application.conf",
    "application-prod.properties", "application-production.properties",
)  # fmt: skip


def sources(tree: Tree, folder: str) -> Sources:
    """Settings, then code, of the module in ``folder``."""
    base = posixpath.join(folder, "src/main/")
    settings = [f"{base}resources/{name}" for name in _SETTINGS]
    code = [
        path
        for path in tree.files
        if path.startswith(base) and path.endswith((".java", ".kt", ".groovy", ".scala"))
    ]
    return Sources(tree, [*(path for path in settings if tree.has(path)), *code])


def main_class(found: Sources, reasons: Reasons) -> str:
    """The class that has ``main``, as the machine calls it.

    Raises:
        StageFailed: there is none, or several and only their names tell them apart.
    """
    tree = found.tree
    mains = [path for path in found.files if _MAIN.search(tree.read(path))]
    listening = [path for path in mains if LISTENS.search(tree.read(path))]
    chosen = mains if len(mains) == 1 else listening
    if len(chosen) == 1:
        name = _class(tree.read(chosen[0]), chosen[0])
        others = [path for path in mains if path not in chosen]
        reasons.note("main class", name, "it has the method main", chosen[0], doubtful=bool(others))
        return name
    if not mains:
        raise StageFailed(
            "this is Java, but no class has a method main",
            hint="Name the folder of the app: `code: {path: …}`.",
        )
    names = ", ".join(_class(tree.read(path), path) for path in mains)
    raise StageFailed(
        f"this is Java, and it cannot be told which class is the app: {names}",
        hint="Name it as the property `exec.mainClass` of pom.xml, or as `mainClass` of Gradle's "
        "application plug-in.",
    )


def _class(text: str, path: str) -> str:
    package = _PACKAGE.search(text)
    stem = posixpath.basename(path).rpartition(".")[0]
    name = f"{stem[0].upper()}{stem[1:]}Kt" if path.endswith(".kt") else stem
    return f"{package[1]}.{name}" if package else name
