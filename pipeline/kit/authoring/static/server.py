"""The stages that serve a folder of files: nginx for any user, on ``PORT``."""

from __future__ import annotations

from pipeline.kit.authoring import blocks, probes
from pipeline.kit.dockerfile import model as m

BASE = "nginxinc/nginx-unprivileged:1-alpine"
USER = "101"
PORT = 8080
_SITE = "/usr/share/nginx/html"
_CONFIGURATION = """\
server {{
    listen ${{PORT}};
    root {site};
    index index.html;
    server_tokens off;
    absolute_redirect off;
    gzip on;
    gzip_types text/css text/javascript application/javascript application/json image/svg+xml;

    location / {{
        try_files $uri $uri/ {otherwise};
        add_header Cache-Control "no-cache";
    }}
{more}}}
"""


_HASHED = """\
    # Names with a hash in them: what they stand for never changes.
    location {folder} {{
        add_header Cache-Control "public, max-age=31536000, immutable";
    }}
"""


def serve(
    copied: m.Copy, port: int, *, single_page: bool = False, error_page: str = "", hashed: str = ""
) -> tuple[list[m.Item], ...]:
    """The last stage. ``copied`` brings the files: its destination is replaced by the server's own.

    A ``single_page`` app has routes that only its own code knows: what is no file gets index.html.
    ``error_page`` is a file for what is not found, such as 404.html; ``hashed`` a folder, such as
    ``/assets/``, of files with a hash in their names.
    """
    more = f"    error_page 404 /{error_page};\n" if error_page else ""
    configuration = _CONFIGURATION.format(
        site=_SITE,
        otherwise="/index.html" if single_page else "=404",
        more=more + (_HASHED.format(folder=hashed) if hashed else ""),
    )
    template = m.Copy(
        ('<<"EOF"',), "/etc/nginx/templates/default.conf.template", heredocs=(configuration,)
    )
    return (
        [m.From(BASE)],
        [blocks.env({"PORT": port})],
        [*blocks.comment("A template: nginx fills in PORT when it starts."), template],
        [m.Copy(copied.sources, _SITE, flags=copied.flags)],
        [
            m.User(USER),
            m.Expose((str(port),)),
            blocks.healthcheck(probes.busybox("/")),
        ],
    )
