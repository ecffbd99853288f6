"""Sizes rounded up to an alignment."""

from __future__ import annotations


def round_up(size: int, alignment: int) -> int:
    """Return the smallest multiple of an alignment that is at least a size; all in bytes."""
    return -(-size // alignment) * alignment
