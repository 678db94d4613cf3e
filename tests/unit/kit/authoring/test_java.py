"""Java and Kotlin: build tool, version, how the app is packed and started."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import StageFailed
from tests.support.authored import made

MAIN = "src/main/java/com/example/Main.java"
CODE = (
    "package com.example;\npublic class Main {\n  public static void main(String[] args) {\n"
    "    HttpServer.create(new InetSocketAddress(8085), 0);\n  }\n}\n"
)
QUIET = CODE.replace("HttpServer.create(new InetSocketAddress(8085), 0);", "")


def pom(inner: str = "", **properties: str) -> str:
    named = "".join(f"<{k.replace('_', '.')}>{v}</{k.replace('_', '.')}>"
                    for k, v in properties.items())  # fmt: skip
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><artifactId>app</artifactId>'
        f"<properties>{named}</properties>{inner}</project>"
    )


def plugin(name: str, configuration: str = "") -> str:
    return (
        f"<build><plugins><plugin><artifactId>{name}</artifactId>{configuration}</plugin>"
        "</plugins></build>"
    )


def spring(version: str) -> str:
    parent = (
        "<parent><artifactId>spring-boot-starter-parent</artifactId>"
        f"<version>{version}</version></parent>"
    )
    web = "<artifactId>spring-boot-starter-web</artifactId>"
    dependencies = f"<dependencies><dependency>{web}</dependency></dependencies>"
    return pom(parent + dependencies + plugin("spring-boot-maven-plugin"), java_version="17")


def test_a_file_with_its_schema_as_every_generator_writes_it(tmp_path: Path) -> None:
    instance = "http://www.w3.org/2001/XMLSchema-instance"
    schema = f'xmlns:xsi="{instance}" xsi:schemaLocation="http://maven.apache.org/POM/4.0.0 x.xsd"'
    text = spring("3.5.0").replace("<project ", f"<project {schema} ", 1)
    assert made(tmp_path, {"pom.xml": text, MAIN: CODE}).froms[-1] == "eclipse-temurin:17-jre"


def test_a_class_path_of_jars(tmp_path: Path) -> None:
    found = made(tmp_path, {"pom.xml": pom(), MAIN: CODE})
    assert found.froms == ["maven:3-eclipse-temurin-21", "eclipse-temurin:21-jre"]
    assert '"--class-path", "app.jar:lib/*", "com.example.Main"]' in found.command
    assert found.port == 8085
    text = found.text
    assert text.index("COPY pom.xml") < text.index("dependency:go-offline") < text.index("COPY . ")
    assert text.index("/out/lib/ ./lib/") < text.index("/out/app.jar ./")


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"pom.xml": pom(maven_compiler_release="17")}, "17"),
        ({"pom.xml": pom(java_version="1.8")}, "17"),
        ({"pom.xml": pom(v="21", maven_compiler_target="${v}")}, "21"),
        ({"pom.xml": pom(maven_compiler_source="22")}, "25"),
        ({"pom.xml": pom(), ".java-version": "17.0.2\n"}, "17"),
        ({"pom.xml": pom(), ".sdkmanrc": "java=25-tem\n"}, "25"),
        ({"pom.xml": pom(), "system.properties": "java.runtime.version=17\n"}, "17"),
        ({"pom.xml": pom(), ".tool-versions": "java temurin-17.0.1+12\n"}, "17"),
    ],
)
def test_the_version(tmp_path: Path, files: dict[str, str], version: str) -> None:
    assert made(tmp_path, {**files, MAIN: CODE}).froms[1] == f"eclipse-temurin:{version}-jre"


@pytest.mark.parametrize(
    ("version", "extract", "start"),
    [
        ("3.5.7", "-Djarmode=tools", '"-jar", "app.jar"]'),
        ("3.2.0", "-Djarmode=layertools", '"org.springframework.boot.loader.launch.JarLauncher"]'),
        ("2.7.18", "-Djarmode=layertools", '"org.springframework.boot.loader.JarLauncher"]'),
        ("2.2.0", "cp target/*.jar", '"-jar", "app.jar"]'),
    ],
)
def test_spring_boot_by_its_layers(tmp_path: Path, version: str, extract: str, start: str) -> None:
    found = made(tmp_path, {"pom.xml": spring(version), MAIN: QUIET})
    assert extract in found.text
    assert found.command.endswith(start)
    assert "-Dserver.port=${PORT}" in found.command
    assert found.port == 8080


def test_settings_of_spring_give_the_port(tmp_path: Path) -> None:
    settings = {"src/main/resources/application.yml": "server:\n  port: ${PORT:9000}\n"}
    assert made(tmp_path, {"pom.xml": spring("3.5.7"), MAIN: QUIET, **settings}).port == 9000


def test_spring_without_a_web_starter_is_a_worker(tmp_path: Path) -> None:
    text = spring("3.5.7").replace("spring-boot-starter-web", "spring-boot-starter")
    found = made(tmp_path, {"pom.xml": text, MAIN: QUIET})
    assert found.port is None
    assert "server.port" not in found.text


def test_the_actuator_is_asked(tmp_path: Path) -> None:
    text = spring("3.5.7").replace("</dependencies>", "<dependency><artifactId>"
        "spring-boot-starter-actuator</artifactId></dependency></dependencies>")  # fmt: skip
    assert "/actuator/health" in made(tmp_path, {"pom.xml": text, MAIN: QUIET}).text


def test_quarkus(tmp_path: Path) -> None:
    rest = "<dependencies><dependency><artifactId>quarkus-rest</artifactId></dependency>" \
        "</dependencies>"  # fmt: skip
    found = made(tmp_path, {"pom.xml": pom(rest + plugin("quarkus-maven-plugin"))})
    assert "quarkus-run.jar" in found.command
    assert found.text.index("/out/lib/") < found.text.index("/out/app/")


def test_a_shaded_jar(tmp_path: Path) -> None:
    main = "<configuration><mainClass>com.example.Main</mainClass></configuration>"
    files = {"pom.xml": pom(plugin("maven-shade-plugin", main)), MAIN: CODE}
    found = made(tmp_path, files)
    assert "! -name 'original-*.jar'" in found.text
    assert found.command.endswith('"-jar", "app.jar"]')


def test_the_wrapper_is_used(tmp_path: Path) -> None:
    wrapper = {"mvnw": "#!/bin/sh\n", ".mvn/wrapper/maven-wrapper.properties": "x\n"}
    text = made(tmp_path, {"pom.xml": pom(), MAIN: CODE, **wrapper}).text
    assert "COPY mvnw pom.xml ./" in text
    assert "COPY .mvn ./.mvn" in text
    assert "sh mvnw --batch-mode" in text


def test_one_module_of_several_is_the_app(tmp_path: Path) -> None:
    modules = "<packaging>pom</packaging><modules><module>a</module><module>b</module></modules>"
    files = {"pom.xml": pom(modules), "a/pom.xml": pom(), "b/pom.xml": pom(),
             f"b/{MAIN}": CODE}  # fmt: skip
    text = made(tmp_path, files).text
    assert "--projects b --also-make package" in text
    assert "cp b/target/*.jar" in text


def test_a_class_is_named_or_found_by_what_it_does(tmp_path: Path) -> None:
    other = MAIN.replace("Main", "Tool")
    files = {"pom.xml": pom(), MAIN: CODE, other: QUIET.replace("Main", "Tool")}
    assert '"com.example.Main"]' in made(tmp_path, files).command
    files["pom.xml"] = pom(exec_mainClass="com.example.Tool")
    assert '"com.example.Tool"]' in made(tmp_path, files).command


def test_kotlin_has_main_in_a_file(tmp_path: Path) -> None:
    code = "package com.example\n\nfun main() { embeddedServer(Netty, port = 8090) }\n"
    found = made(tmp_path, {"pom.xml": pom(), "src/main/kotlin/com/example/app.kt": code})
    assert '"com.example.AppKt"]' in found.command
    assert found.port == 8090


def test_no_class_has_main(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="no class has a method main"):
        made(tmp_path, {"pom.xml": pom()})


def test_a_war_needs_a_server(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="application server"):
        made(tmp_path, {"pom.xml": pom("<packaging>war</packaging>"), MAIN: CODE})


def test_a_broken_pom_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match=r"pom\.xml cannot be read") as raised:
        made(tmp_path, {"pom.xml": "<project>\n<a></b>\n</project>\n"})
    assert raised.value.where is not None
    assert raised.value.where.line == 2


GRADLE = (
    "plugins {\n    id 'application'\n}\napplication {\n    mainClass = 'com.example.Main'\n}\n"
)


def test_gradle_installs_the_application(tmp_path: Path) -> None:
    found = made(tmp_path, {"build.gradle": GRADLE, "settings.gradle": "", MAIN: CODE})
    assert found.froms == ["gradle:8-jdk21", "eclipse-temurin:21-jre"]
    assert "COPY build.gradle settings.gradle ./" in found.text
    assert "gradle --no-daemon installDist" in found.text
    assert '"--class-path", "lib/*", "com.example.Main"]' in found.command


def test_gradle_as_gradle_init_lays_it_out(tmp_path: Path) -> None:
    wrapper = {"gradlew": "", "gradle/wrapper/gradle-wrapper.properties": ""}
    build = GRADLE + "java { toolchain { languageVersion = JavaLanguageVersion.of(17) } }\n"
    files = {"settings.gradle": "include('app')", "app/build.gradle": build, f"app/{MAIN}": CODE}
    found = made(tmp_path, {**files, **wrapper})
    assert found.froms == ["eclipse-temurin:17-jdk", "eclipse-temurin:17-jre"]
    assert "sh gradlew --no-daemon :app:installDist" in found.text
    assert "cp -r app/build/install/* /out" in found.text


def test_gradle_with_spring_boot(tmp_path: Path) -> None:
    build = (
        'plugins {\n    java\n    id("org.springframework.boot") version "3.4.1"\n}\n'
        'dependencies { implementation("org.springframework.boot:spring-boot-starter-web") }\n'
    )
    found = made(tmp_path, {"build.gradle.kts": build, MAIN: QUIET})
    assert "bootJar" in found.text
    assert "find build/libs -maxdepth 1 -name '*.jar' ! -name '*-plain.jar'" in found.text
    assert "-Djarmode=tools" in found.text
    assert found.port == 8080


def test_gradle_without_a_program(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="does not make a program"):
        made(tmp_path, {"build.gradle": "apply plugin: 'java'\n", MAIN: CODE})


def test_maven_wins_over_gradle_and_says_so(tmp_path: Path) -> None:
    found = made(tmp_path, {"pom.xml": pom(), "build.gradle": GRADLE, MAIN: CODE})
    assert found.froms[0].startswith("maven:")
    assert "build" in found.doubts()
