"""The shop's pages. All data are the API's; this service has no database of its own."""

import os

import requests
from flask import Flask, Response, abort, jsonify, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException

app = Flask(__name__)
app.config.update(
    API_URL=os.environ.get("API_URL", "http://localhost:3000"),
    SHOP_NAME=os.environ.get("SHOP_NAME", "The Corner Shop"),
    MAX_CONTENT_LENGTH=10_000,
)

API_TIMEOUT = 3  # seconds; a page that waits longer is a page that failed


def call_api(method: str, path: str, json: object = None) -> requests.Response:
    """Ask the API. What it refuses (4xx) is returned; that it does not answer is raised."""
    response = requests.request(
        method, app.config["API_URL"] + path, json=json, timeout=API_TIMEOUT
    )
    if response.status_code >= 500:
        response.raise_for_status()
    return response


@app.get("/")
def catalogue() -> str:
    products = call_api("GET", "/products").json()
    visits = call_api("POST", "/visits").json()["visits"]
    return render_template("catalogue.html", products=products, visits=visits)


@app.post("/orders")
def place_order() -> Response:
    """Programs post JSON and get the order back; browsers post the form and get its page."""
    wanted = request.get_json() if request.is_json else form_order()
    answer = call_api("POST", "/orders", json=wanted)
    if request.is_json:
        response = jsonify(answer.json())
        response.status_code = answer.status_code
        return response
    if not answer.ok:
        abort(answer.status_code, answer.json()["error"])
    return redirect(url_for("order", order_id=answer.json()["id"]), code=303)


def form_order() -> dict[str, object]:
    return {
        "product": request.form.get("product"),
        "quantity": request.form.get("quantity", type=int),
    }


@app.get("/orders/<uuid:order_id>")
def order(order_id: str) -> str:
    answer = call_api("GET", f"/orders/{order_id}")
    if answer.status_code == 404:
        abort(404, "no such order")
    return render_template("order.html", order=answer.json())


@app.get("/health")
def health() -> Response:
    """Is this process up? Whether the API is, its own health check tells."""
    return jsonify(status="ok")


@app.errorhandler(requests.RequestException)
def api_unavailable(error: requests.RequestException) -> tuple[Response | str, int]:
    app.logger.error("the API does not answer: %s", error)
    return refusal("the shop is closed for a moment, please try again", 503)


@app.errorhandler(HTTPException)
def refused(error: HTTPException) -> tuple[Response | str, int]:
    return refusal(error.description or error.name, error.code or 500)


def refusal(message: str, status: int) -> tuple[Response | str, int]:
    """The same refusal for a program and for a person."""
    if request.is_json:
        return jsonify(error=message), status
    return render_template("refusal.html", message=message), status


@app.template_filter()
def euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d} €"


@app.context_processor
def shop_name() -> dict[str, str]:
    return {"shop_name": app.config["SHOP_NAME"]}
