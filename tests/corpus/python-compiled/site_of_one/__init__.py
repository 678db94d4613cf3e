import psycopg2
from flask import Flask


def create_app():
    app = Flask(__name__)

    @app.get("/")
    def home():
        return f"hello from python-compiled, libpq {psycopg2.__libpq_version__}"

    return app
