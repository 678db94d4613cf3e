"""What frameworks make when they are built, and how that is served."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from pipeline.kit.authoring.node.package import Package
from pipeline.kit.authoring.tree import Tree


@dataclass(frozen=True)
class Result:
    """What a build leaves behind."""

    name: str
    site: str = ""
    """The folder of a whole site: nothing but files, for a static server."""
    single_page: bool = False
    """Its routes are known to its own code only."""
    start: tuple[str, ...] = ()
    """What starts it, where the framework has one way; else the project says it."""
    outputs: tuple[str, ...] = ()
    """All that has to be in the image; without any, everything."""
    unpack: Mapping[str, str] = field(default_factory=dict)
    """Folder of the build → where it goes, in the place of ``outputs``."""
    modules: bool = True
    """It needs node_modules when it runs."""
    port: int = 3000
    environment: Mapping[str, str] = field(default_factory=dict)
    build_environment: Mapping[str, str] = field(default_factory=dict)
    before_build: str = ""
    """A package to install for the build."""
    caches: tuple[str, ...] = ()
    build: str = ""
    """The command that builds, where no script does."""
    tool: str = ""
    """A package that it needs when it runs, although it is one for developers."""
    told: str = ""
    """Worth a look by the user."""


_ANY_HOST = "0.0.0.0"  # noqa: S104 - the container's own
_Finder = Callable[[Tree, Package, str], Result | None]


def find(tree: Tree, package: Package) -> Result | None:
    """The framework that the app is built with; None for a plain one."""
    config = "\n".join(
        tree.read(path)
        for path in tree.files
        if path.rpartition("/")[0] == package.folder and _CONFIG.search(path)
    )
    found = next((r for finder in _FINDERS if (r := finder(tree, package, config))), None)
    if found is not None and _is_before_openssl_3(package):
        quirk = {"NODE_OPTIONS": "--openssl-legacy-provider"}
        return replace(found, build_environment={**found.build_environment, **quirk})
    return found


def _is_before_openssl_3(package: Package) -> bool:
    """Does it bundle with webpack 4, which hashes by what OpenSSL 3 has put away?"""
    return any((package.major(name) or 9) < 5 for name in ("webpack", "react-scripts",
                                                          "@vue/cli-service"))  # fmt: skip


_CONFIG = re.compile(
    r"(?:^|/)(?:next|nuxt|astro|svelte|vite|vue|app|gatsby|rsbuild|eleventy|\.eleventy|parcel|"
    r"webpack|docusaurus)[\w.]*\.[cm]?[jt]s$"
)


def _next(tree: Tree, package: Package, config: str) -> Result | None:
    if not package.has("next"):
        return None
    output = re.search(r"^[^/\n]*output\s*:\s*[\"'](standalone|export)[\"']", config, re.MULTILINE)
    environment = {"NEXT_TELEMETRY_DISABLED": "1"}
    caches = (".next/cache",)
    if output and output[1] == "export":
        folder = re.search(r"distDir\s*:\s*[\"']([\w./-]+)", config)
        return Result(
            "Next.js", site=folder[1] if folder else "out", build_environment=environment,
            caches=caches, build="next build",
        )  # fmt: skip
    if output:
        unpack = {".next/standalone": "./", ".next/static": "./.next/static"}
        return Result(
            "Next.js", start=("node", "server.js"), unpack=unpack | _public(tree, package),
            modules=False, environment={**environment, "HOSTNAME": _ANY_HOST},
            build_environment=environment, caches=caches, build="next build",
        )  # fmt: skip
    # `next start` reads its configuration again, and would install what that is written in.
    place = f"{package.folder}/" if package.folder else ""
    typed = tree.first(f"{place}next.config.ts", f"{place}next.config.mts") is not None
    return Result(
        "Next.js", start=("next", "start"), environment=environment,
        build_environment=environment, caches=caches, build="next build",
        tool="typescript" if typed else "",
        told='`output: "standalone"` in its configuration would make the image half as large',
    )  # fmt: skip


def _public(tree: Tree, package: Package) -> dict[str, str]:
    place = f"{package.folder}/public/" if package.folder else "public/"
    return {"public": "./public"} if any(path.startswith(place) for path in tree.files) else {}


def _nitro(tree: Tree, package: Package, config: str) -> Result | None:
    name = package.has("nuxt", "nuxt3", "@solidjs/start", "vinxi", "nitropack",
                       "@tanstack/react-start", "@tanstack/start")  # fmt: skip
    if name is None or (name == "nuxt" and (package.major("nuxt") or 3) < 3):
        return None
    script = package.scripts.get("build", "")
    generates = re.search(r"\b(?:nuxi?|nuxt)\s+generate\b", script) is not None
    single_page = re.search(r"\bssr\s*:\s*false", config) is not None
    if generates or single_page:
        return Result("Nuxt", site=".output/public", single_page=single_page,
                      build="nuxt generate")  # fmt: skip
    nuxt = name.startswith("nuxt")
    return Result(
        "Nuxt" if nuxt else name, start=("node", ".output/server/index.mjs"), outputs=(".output",),
        modules=False, build="nuxt build" if nuxt else "vinxi build",
        environment={"HOST": _ANY_HOST},
    )  # fmt: skip


def _remix(tree: Tree, package: Package, config: str) -> Result | None:
    for server, command in (("@react-router/serve", "react-router-serve"),
                            ("@remix-run/serve", "remix-serve")):  # fmt: skip
        if package.has(server):
            # A build by Vite has a folder for each side; the classic compiler has one file.
            entry = "build/server/index.js" if package.has("vite") else "build/index.js"
            name = "Remix" if "remix" in server else "React Router"
            return Result(name, start=(command, entry))
    return None


def _sveltekit(tree: Tree, package: Package, config: str) -> Result | None:
    if not package.has("@sveltejs/kit"):
        return None
    if "adapter-static" in config or (not config and package.has("@sveltejs/adapter-static")):
        fallback = re.search(r"fallback\s*:\s*[\"']", config) is not None
        return Result("SvelteKit", "build", single_page=fallback, build="vite build")
    node = Result("SvelteKit", start=("node", "build"), outputs=("build", "package.json"),
                  build="vite build")  # fmt: skip
    if "adapter-node" in config:
        return node
    if "adapter-auto" in config or package.has("@sveltejs/adapter-auto"):
        # adapter-auto makes what runs on Node.js where it believes to find this variable.
        return Result(
            "SvelteKit", start=node.start, outputs=node.outputs,
            build_environment={"GCP_BUILDPACKS": "1"},
            before_build="@sveltejs/adapter-node@5", build="vite build",
            told="adapter-auto knows no container: the build adds @sveltejs/adapter-node; name it "
            "in svelte.config.js to have its version fixed",
        )  # fmt: skip
    return None


def _astro(tree: Tree, package: Package, config: str) -> Result | None:
    if not package.has("astro"):
        return None
    folder = re.search(r"outDir\s*:\s*[\"'](?:\./)?([\w/-]+)", config)
    built = folder[1] if folder else "dist"
    if "@astrojs/node" not in config:
        return Result("Astro", site=built, build="astro build")
    if re.search(r"mode\s*:\s*[\"']middleware[\"']", config):
        return None
    return Result(
        "Astro", start=("node", f"{built}/server/entry.mjs"), port=4321,
        outputs=(built, "package.json"), environment={"HOST": _ANY_HOST}, build="astro build",
    )  # fmt: skip


def _angular(tree: Tree, package: Package, config: str) -> Result | None:
    file = f"{package.folder}/angular.json" if package.folder else "angular.json"
    if not tree.has(file):
        return None
    projects = tree.json(file).get("projects", {})
    name = tree.json(file).get("defaultProject") or next(iter(projects), "")
    project = projects.get(name, {})
    build = (project.get("architect") or project.get("targets") or {}).get("build", {})
    options = build.get("options", {})
    path = options.get("outputPath", f"dist/{name}")
    below = "browser" if str(build.get("builder", "")).endswith(":application") else ""
    if isinstance(path, dict):
        path, below = path.get("base", f"dist/{name}"), path.get("browser", "browser")
    quiet = {"NG_CLI_ANALYTICS": "false"}
    if options.get("ssr") or options.get("server"):
        return Result(
            "Angular", start=("node", f"{path}/server/server.mjs"), port=4000,
            outputs=(str(path), "package.json"), build="ng build", build_environment=quiet,
        )  # fmt: skip
    return Result("Angular", site=f"{path}/{below}".rstrip("/"), single_page=True,
                  build="ng build", build_environment=quiet)  # fmt: skip


_SITES: tuple[tuple[str, str, bool, str], ...] = (
    ("react-scripts", "build", True, "react-scripts build"),
    ("@vue/cli-service", "dist", True, "vue-cli-service build"),
    ("gatsby", "public", False, "gatsby build"),
    ("@docusaurus/core", "build", False, "docusaurus build"),
    ("vitepress", ".vitepress/dist", False, "vitepress build"),
    ("@11ty/eleventy", "_site", False, "eleventy"),
    ("hexo", "public", False, "hexo generate"),
    ("@rsbuild/core", "dist", True, "rsbuild build"),
    ("vite", "dist", True, "vite build"),
    ("parcel", "dist", True, "parcel build index.html"),
    ("webpack", "dist", True, "webpack --mode production"),
)
"""Package, folder of the site, whether it is a single page, command without a script."""
_OPTION = re.compile(r"(?:--outDir|--dist-dir|-d|--output(?:-path)?|-o)[ =](?:\./)?([\w/-]+)")
_BESIDE = re.compile(r"__dirname,\s*[\"'](?:\./)?([\w/-]+)[\"']")
_OUTPUT = re.compile(r"\boutput\s*:\s*[\"'](?:\./)?([\w/-]+)[\"']")
_FOLDER = re.compile(r"(?:outDir|outputDir)\s*:\s*[\"'](?:\./)?([A-Za-z_][\w/-]*)[\"']")


def _site(tree: Tree, package: Package, config: str) -> Result | None:
    for name, folder, single_page, command in _SITES:
        if package.has(name):
            script = next((s for s in package.scripts.values() if command in s), "")
            script = package.scripts.get("build", script)
            site = _folder(name, script, config) or folder
            return Result(name, site=site, single_page=single_page, build=command)
    return None


def _folder(name: str, script: str, config: str) -> str | None:
    """Where a script or a configuration puts the site; None for where everyone has it."""
    if name == "vitepress":
        docs = re.search(r"vitepress build\s+([\w./-]+)", script)
        return f"{docs[1].rstrip('/')}/.vitepress/dist" if docs else None
    patterns = [(_OPTION, script)]
    if name in ("vite", "@vue/cli-service", "webpack"):
        patterns.append((_FOLDER, config))
    if name == "@11ty/eleventy":
        patterns.append((_OUTPUT, config))
    if name == "webpack":
        patterns.append((_BESIDE, config))
    found = (pattern.search(text) for pattern, text in patterns)
    return next((match[1] for match in found if match), None)


_FINDERS: tuple[_Finder, ...] = (_next, _nitro, _remix, _sveltekit, _astro, _angular, _site)
