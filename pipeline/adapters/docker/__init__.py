"""The real engine, over the Docker SDK and buildx. See ``pipeline.adapters.docker_engine``."""
