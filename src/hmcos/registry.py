"""Values named by strings, so that a table can list them without importing their modules."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def imported(place: str) -> Any:
    """Return the value that "module:name" stands for; its module is imported now."""
    module, name = place.split(":")
    return getattr(import_module(module), name)
