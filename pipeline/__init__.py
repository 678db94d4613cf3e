"""The engine of dockcycle; ``stages`` holds the built-in stages."""

__version__ = "0.1.0"
