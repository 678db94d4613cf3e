"""Dockerfiles as data: parse, render, lint, declare. Nothing in here touches the world."""

from pipeline.kit.dockerfile.model import Dockerfile
from pipeline.kit.dockerfile.parse import parse
from pipeline.kit.dockerfile.render import render

__all__ = ["Dockerfile", "parse", "render"]
