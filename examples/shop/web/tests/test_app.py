import pytest
import requests
import responses
from app import app
from responses.matchers import json_params_matcher

API = "http://api.test"
ORDER_ID = "0b0ff1de-5ca1-4b1e-8f00-000000000001"
ORDER = {
    "id": ORDER_ID,
    "product": "espresso-cup",
    "quantity": 2,
    "total_cents": 1780,
    "status": "new",
}


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setitem(app.config, "API_URL", API)
    return app.test_client()


@pytest.fixture
def api():
    """The API as `web` sees it; a call that no test announced is refused."""
    with responses.RequestsMock() as mock:
        yield mock


def test_catalogue_lists_products_with_prices_and_counts_the_visit(client, api):
    cup = {"id": "espresso-cup", "name": "Espresso cup", "price_cents": 890}
    api.get(f"{API}/products", json=[cup])
    api.post(f"{API}/visits", json={"visits": 7})

    page = client.get("/").text

    assert "Espresso cup" in page
    assert "8.90 €" in page
    assert "Visit number 7" in page


def test_catalogue_does_without_the_count_when_there_is_none(client, api):
    api.get(f"{API}/products", json=[])
    api.post(f"{API}/visits", json={"visits": None})

    response = client.get("/")

    assert response.status_code == 200
    assert "Visit number" not in response.text


def test_a_json_order_is_passed_on_and_its_answer_returned(client, api):
    wanted = {"product": "espresso-cup", "quantity": 2}
    api.post(f"{API}/orders", match=[json_params_matcher(wanted)], json=ORDER, status=201)

    response = client.post("/orders", json=wanted)

    assert response.status_code == 201
    assert response.json == ORDER


def test_a_form_order_leads_to_the_page_of_the_order(client, api):
    wanted = {"product": "espresso-cup", "quantity": 2}
    api.post(f"{API}/orders", match=[json_params_matcher(wanted)], json=ORDER, status=201)
    api.get(f"{API}/orders/{ORDER_ID}", json=ORDER)

    response = client.post(
        "/orders", data={"product": "espresso-cup", "quantity": "2"}, follow_redirects=True
    )

    assert response.status_code == 200
    assert response.request.path == f"/orders/{ORDER_ID}"
    assert "17.80 €" in response.text


@pytest.mark.parametrize("body", [{"json": {}}, {"data": {"quantity": "many"}}])
def test_a_refused_order_tells_why(client, api, body):
    api.post(f"{API}/orders", json={"error": "no such product"}, status=422)

    response = client.post("/orders", **body)

    assert response.status_code == 422
    assert "no such product" in response.text


def test_an_unknown_order_is_not_found(client, api):
    api.get(f"{API}/orders/{ORDER_ID}", json={"error": "no such order"}, status=404)

    assert client.get(f"/orders/{ORDER_ID}").status_code == 404


@pytest.mark.parametrize(
    "failure", [{"body": requests.ConnectionError("refused")}, {"status": 500}]
)
def test_without_the_api_the_shop_is_closed_but_alive(client, api, failure):
    api.get(f"{API}/products", **failure)

    response = client.get("/")

    assert response.status_code == 503
    assert "closed for a moment" in response.text
    assert client.get("/health").json == {"status": "ok"}
