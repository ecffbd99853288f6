"""Bytes for people."""

from __future__ import annotations

from hmcos.words import short


def brief(size: int) -> str:
    """Return bytes in the largest binary unit that is not above them, without trailing zeros."""
    number, unit = short(size).split()
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number} {unit}"


def savings(before: int, after: int) -> str:
    """Return by how much less memory `after` is, in per cent of `before`."""
    return f"{100 * (before - after) / before:.1f} %" if before else "0.0 %"
