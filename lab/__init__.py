"""A private Docker engine, and everything it talks to, on one machine without Docker Hub.

Run ``python3 -m lab up``; see docs/lab.md. Standard library only: it has to work before any
virtual environment exists.
"""
