"""pipeline.yml: found, read, merged with its overlay, interpolated, validated.

``pipeline.config.json_schema`` is apart, since its imports are needed for that alone.
"""

from pipeline.config.dataflow import check_dataflow
from pipeline.config.loader import find_file, load, load_head
from pipeline.config.models import When
from pipeline.config.pipeline import Entry, Pipeline, SecretSource
from pipeline.config.secrets import secret_loader

__all__ = [
    "Entry", "Pipeline", "SecretSource", "When", "check_dataflow", "find_file", "load",
    "load_head", "secret_loader",
]  # fmt: skip
