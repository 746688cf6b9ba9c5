"""Pooled look-ups: see tables.py."""

from .tables import lookup as measure  # noqa: F401
