"""Sizes rounded up to an alignment, counted by the verifier itself."""

from __future__ import annotations


def rounded_up(size: int, alignment: int) -> int:
    """Return the bytes of a size, rounded up to a multiple of the alignment."""
    return (size + alignment - 1) // alignment * alignment
