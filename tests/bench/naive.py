"""What a beginner writes for apps of tests/corpus, beside which the generated Dockerfiles stand."""

from __future__ import annotations

from dataclasses import dataclass

PYTHON, NODE = "python:3.13-trixie", "node:22-bookworm"
"""What ``python:3.13`` and ``node:22`` are on Docker Hub; in the lab those are the slim ones."""
BASES = (
    PYTHON, NODE, "golang:1.26", "rust:1-slim-trixie", "maven:3-eclipse-temurin-21",
    "eclipse-temurin:21-jre", "php:8.4-apache", "composer:2", "ruby:3.3-slim",
    "denoland/deno:2.9.6",
)  # fmt: skip
"""What the lab does not build by itself and these apps stand on."""


@dataclass(frozen=True)
class Case:
    """An app, what a beginner would write for it, and a source file with a comment to add to it."""

    app: str
    dockerfile: str
    source: str
    comment: str
    limit: float | None = None
    """Seconds that a build after a change of the source may take; None where a compiler decides."""


def _dockerfile(base: str, run: str, command: str) -> str:
    lines = [
        f"FROM {base}",
        "WORKDIR /app",
        "COPY . .",
        *(f"RUN {r}" for r in run.split("\n") if r),
    ]
    return "\n".join([*lines, f"CMD {command}", ""])


def _python(app: str, install: str, command: str, source: str) -> Case:
    return Case(app, _dockerfile(PYTHON, install, command), source, "# {}", limit=2)


def _node(app: str, install: str, command: str, source: str) -> Case:
    return Case(app, _dockerfile(NODE, install, command), source, "// {}", limit=2)


CASES = (
    _python("python-pip", "pip install -r requirements.txt", "python app.py", "app.py"),
    _python(
        "python-django", "pip install -r requirements.txt",
        "python manage.py runserver 0.0.0.0:8000", "greetings/views.py",
    ),
    _python("python-pipenv", "pip install pipenv\npipenv install", "pipenv run python main.py",
            "main.py"),
    _python("python-uv", "pip install uv\nuv sync", "uv run serve", "src/uvapp/cli.py"),
    _python("python-fasthtml", "pip install -r requirements.txt", "python main.py", "main.py"),
    _node("node-npm", "npm install", "npm start", "src/index.js"),
    _node("node-yarn", "npm install -g --force yarn@1\nyarn install", "node app.js", "app.js"),
    _node("node-pnpm", "npm install -g pnpm@9\npnpm install\npnpm build", "node dist/index.js",
          "src/index.ts"),
    _node(
        "node-workspace",
        "npm install\nnpm run build -w packages/greeting\nnpm run build -w apps/api",
        "node apps/api/dist/index.js", "apps/api/src/index.ts",
    ),
    _node("node-tsx", "npm install", "npx tsx src/main.ts", "src/main.ts"),
    _node("node-vite", "npm install\nnpm run build", "npm run preview -- --host", "src/main.js"),
    _node("node-astro", "npm install\nnpm run build", "npm run preview", "astro.config.mjs"),
    _node("node-next", "npm install\nnpm run build", "npm start", "app/page.js"),
    Case("go-modules", _dockerfile("golang:1.26", "go build -o app .", "./app"), "main.go",
         "// {}"),
    Case(
        "rust-axum", _dockerfile("rust:1-slim-trixie", "cargo build --release", "cargo run -r"),
        "src/lib.rs", "// {}",
    ),
    Case(
        "java-maven",
        _dockerfile("maven:3-eclipse-temurin-21", "mvn package", "java -cp target/classes Main"),
        "src/main/java/com/example/hello/Main.java", "// {}",
    ),
    Case(
        "php-composer",
        _dockerfile("composer:2", "composer install", "php -S 0.0.0.0:8080 -t public"),
        "src/Page.php", "// {}",
    ),
    Case(
        "ruby-sinatra",
        _dockerfile("ruby:3.3-slim-trixie", "bundle install", "ruby app.rb"), "app.rb", "# {}",
    ),
    Case("deno-plain", _dockerfile("denoland/deno:2.9.6", "", "deno run -A main.ts"), "main.ts",
         "// {}"),
    Case("static-plain", "FROM nginx\nCOPY . /usr/share/nginx/html\n", "index.html", "<!-- {} -->"),
)  # fmt: skip

if __name__ == "__main__":
    print(" ".join(BASES))
