import os

from flask import Flask

app = Flask(__name__)


@app.get("/")
def home():
    return "hello from python-pip"


if __name__ == "__main__":
    app.run(debug=True, port=int(os.environ.get("PORT", 5000)))
