"""The catalog of stages: built-in, installed, and named by ``uses:`` in a pipeline file."""

from pipeline.catalog.catalog import Catalog, Listed
from pipeline.catalog.loading import CatalogError, Found

__all__ = ["Catalog", "CatalogError", "Found", "Listed"]
