import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from greeter import greeting


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = greeting("python-uv-workspace").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(os.environ.get("PORT", "8000"))), Handler).serve_forever()
