import os

from aiohttp import web


async def home(request):
    return web.Response(text="hello from python-pipenv")


app = web.Application()
app.add_routes([web.get("/", home)])

if __name__ == "__main__":
    web.run_app(app, port=int(os.environ.get("PORT", "8080")))
