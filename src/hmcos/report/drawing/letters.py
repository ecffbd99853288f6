"""How much room words take, in points: never less than the common sans-serif letters need."""

from __future__ import annotations

from unicodedata import east_asian_width

LINE = 1.25
"""Height of a line, in parts of the size of its letters."""
_NARROW = frozenset("iIjlrtf.,:;'|![]()/ -\"")
_WIDE = frozenset("mwMW%@")


def width(text: str, size: float) -> float:
    """Return how wide one line is, for letters of a size."""
    return size * sum(map(_letter, text))


def _letter(letter: str) -> float:
    """Return the width of a letter in parts of its size; those of DejaVu Sans, which is wide."""
    if letter in _NARROW:
        return 0.4
    if letter in _WIDE:
        return 1.0
    if east_asian_width(letter) in "WF":
        return 1.05
    return 0.72 if letter.isupper() else 0.65
