import os
from importlib.metadata import version

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def home(request):
    return PlainTextResponse(f"hello from python-uv {version('python-uv')}")


def main() -> None:
    app = Starlette(routes=[Route("/", home)])
    uvicorn.run(app, host="0.0.0.0", port=int(os.getenv("PORT", "8000")))
