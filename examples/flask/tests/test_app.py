import pytest
from app import app


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setitem(app.config, "GREETING", "Good morning")
    monkeypatch.setitem(app.config, "VERSION", "1.2.3")
    return app.test_client()


def test_greets_the_world_by_default(client):
    response = client.get("/")

    assert response.status_code == 200
    assert response.text == "Good morning, world!\n"


def test_greets_the_caller_by_name(client):
    assert client.get("/?name=Zoë").text == "Good morning, Zoë!\n"


def test_a_name_cannot_smuggle_markup_into_a_page(client):
    response = client.get("/?name=<script>alert(1)</script>")

    assert response.mimetype == "text/plain"


def test_health_tells_the_version(client):
    response = client.get("/health")

    assert response.status_code == 200
    assert response.json == {"status": "ok", "version": "1.2.3"}


def test_unknown_pages_are_not_found(client):
    assert client.get("/nothing-here").status_code == 404
