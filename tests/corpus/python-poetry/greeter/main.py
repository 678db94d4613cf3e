from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from greeter.words import greeting

app = FastAPI()


@app.get("/", response_class=PlainTextResponse)
def home() -> str:
    return greeting()


@app.get("/healthz")
def health() -> dict[str, str]:
    return {"status": "ok"}
