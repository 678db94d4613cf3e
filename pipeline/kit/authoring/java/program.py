"""How what was built is started: each framework packs an app in its own way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

JAVA = ("java", "-XX:MaxRAMPercentage=75", "-XX:+ExitOnOutOfMemoryError")
_LAYERS = ("dependencies", "spring-boot-loader", "snapshot-dependencies", "application")


@dataclass(frozen=True)
class Program:
    """``pack`` are commands that put what is built into /out, after the build.

    ``layers`` are the folders of /out, or files, that are copied into the image, those that seldom
    change first: (path below /out, path below /app).
    """

    pack: tuple[str, ...]
    layers: tuple[tuple[str, str], ...]
    command: tuple[str, ...]
    goals: tuple[str, ...] = field(default=())
    """Of Maven, beside ``package``."""


@dataclass(frozen=True)
class Jar:
    """Where the build leaves what it packs, and what else lies there."""

    folder: str
    suffix: str = ".jar"
    beside: tuple[str, ...] = ()
    """Patterns of files with the same suffix that are not the app."""

    @property
    def copy(self) -> str:
        """A command that gives it a name without a version."""
        if not self.beside:
            return f"cp {self.folder}/*{self.suffix} /out/app.jar"
        others = " ".join(f"! -name '{pattern}'" for pattern in self.beside)
        found = f"find {self.folder} -maxdepth 1 -name '*{self.suffix}' {others}"
        return f"{found} \n       -exec cp {{}} /out/app.jar \\;"


def spring_boot(packed: Jar, version: str, port: bool) -> Program:
    """A jar that is taken apart, so that its dependencies are a layer of their own."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    listen = ("-Dserver.port=${PORT}",) if port else ()
    if numbers and numbers < (2, 3):
        jar = (("app.jar", "./"),)
        command = (*JAVA, *listen, "-jar", "app.jar")
        return Program(("mkdir /out", packed.copy), jar, command)
    layers = tuple((f"layers/{name}/", "./") for name in _LAYERS)
    if not numbers or numbers >= (3, 3):
        tools = "java -Djarmode=tools -jar /out/app.jar"
        extract = f"{tools} extract --layers --destination /out/layers"
        command = (*JAVA, *listen, "-jar", "app.jar")
    else:
        tools = "java -Djarmode=layertools -jar /out/app.jar"
        extract = f"{tools} extract --destination /out/layers"
        launcher = "launch.JarLauncher" if numbers >= (3, 2) else "JarLauncher"
        command = (*JAVA, *listen, f"org.springframework.boot.loader.{launcher}")
    return Program(("mkdir /out", packed.copy, extract), layers, command)


def quarkus(folder: str, port: bool) -> Program:
    listen = ("-Dquarkus.http.host=0.0.0.0", "-Dquarkus.http.port=${PORT}") if port else ()
    layers = (("lib/", "./lib/"), ("quarkus/", "./quarkus/"), ("app/", "./app/"), ("*.jar", "./"))
    command = (*JAVA, *listen, "-jar", "quarkus-run.jar")
    return Program((f"cp -r {folder}/quarkus-app /out",), layers, command)


def fat_jar(packed: Jar, options: Sequence[str] = ()) -> Program:
    """A jar with everything in it, made by a plug-in."""
    command = (*JAVA, *options, "-jar", "app.jar")
    return Program(("mkdir /out", packed.copy), (("app.jar", "./"),), command)


def class_path(packed: Jar, main: str, options: Sequence[str] = ()) -> Program:
    """The app's jar beside those of its dependencies."""
    command = (*JAVA, *options, "--class-path", "app.jar:lib/*", main)
    return Program(
        ("mkdir -p /out/lib", packed.copy),
        (("lib/", "./lib/"), ("app.jar", "./")),
        command,
        ("dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=/out/lib"),
    )


def install_dist(folder: str, main: str, options: Sequence[str] = ()) -> Program:
    """What Gradle's application plug-in installs: all jars in one folder."""
    command = (*JAVA, *options, "--class-path", "lib/*", main)
    return Program((f"cp -r {folder}/install/* /out",), (("lib/", "./lib/"),), command)
