from fastapi import FastAPI

from backend import words

app = FastAPI()


@app.get("/")
def home():
    return words.GREETING
