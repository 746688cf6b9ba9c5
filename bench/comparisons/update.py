"""Updates of embedding rows: see tables.py."""

from .tables import update as measure  # noqa: F401
