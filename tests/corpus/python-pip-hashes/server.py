from bottle import Bottle, run

app = Bottle()


@app.route("/")
def home():
    return "hello from python-pip-hashes"


if __name__ == "__main__":
    run(app, host="localhost", port=8080)
