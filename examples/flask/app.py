"""A greeting over HTTP: the smallest web app that has something to configure and to check."""

import os

from flask import Flask, jsonify, request

app = Flask(__name__)
# Settings come from the environment, so that one image serves every stage of its life.
app.config.update(
    GREETING=os.environ.get("GREETING", "Hello"),
    VERSION=os.environ.get("APP_VERSION", "dev"),
)


@app.get("/")
def greet():
    """Greet the caller, by name when there is one: ``/?name=Ada``."""
    name = request.args.get("name", "world")
    # Plain text, not HTML: the name is the caller's own and is echoed as it came.
    return f"{app.config['GREETING']}, {name}!\n", {"Content-Type": "text/plain; charset=utf-8"}


@app.get("/health")
def health():
    """What a load balancer or a smoke test asks: is it up, and which version is it?"""
    return jsonify(status="ok", version=app.config["VERSION"])


if __name__ == "__main__":  # `python app.py` is for development; gunicorn serves production.
    app.run(port=int(os.environ.get("PORT", "5000")), debug=True)
