import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version


class Home(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"hello from python-uv {version('python-uv')}".encode())


def main() -> None:
    port = int(os.getenv("PORT", "8000"))
    ThreadingHTTPServer(("", port), Home).serve_forever()
