"""The colours of pictures: few light classes, distinct in print and for colour-blind people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hmcos.report.words.sizes import brief

SHADES = ("#dfebf6", "#bdd7ed", "#92bfe1", "#629fcf", "#3779b4", "#174f88")
"""From small to large."""
_DARK_FROM = 4
"""Shades from this one on carry light text."""
PEAK = "#d1431b"
"""The colour of everything at the peak."""
INK, FAINT, PAPER = "#22303c", "#8a97a3", "#ffffff"


@dataclass(frozen=True, slots=True)
class Shading:
    """Sizes sorted into at most six classes."""

    tops: tuple[int, ...]
    """The largest size of each class in bytes, ascending; 0 is in no class."""
    exact: bool
    """Whether each class holds one size only."""

    def shade(self, size: int) -> str:
        """Return the colour of a size; paper for nothing at all."""
        return SHADES[self._place(size)] if size else PAPER

    def ink(self, size: int) -> str:
        """Return the colour of text upon it."""
        return PAPER if size and self._place(size) >= _DARK_FROM else INK

    @property
    def legend(self) -> tuple[tuple[str, str], ...]:
        """Per class: its colour and the sizes in it."""
        words = "" if self.exact else "up to "
        return tuple((self.shade(top), f"{words}{brief(top)}") for top in self.tops)

    def _place(self, size: int) -> int:
        place = next((i for i, top in enumerate(self.tops) if size <= top), len(self.tops) - 1)
        last = len(self.tops) - 1
        return place * (len(SHADES) - 1) // last if last else len(SHADES) // 2


def shading(sizes: Iterable[int]) -> Shading:
    """Return classes for sizes in bytes: one per size while they are few, else of equal width."""
    distinct = sorted({size for size in sizes if size})
    if len(distinct) <= len(SHADES):
        return Shading(tuple(distinct), exact=True)
    widest = distinct[-1]
    # The tops are sizes that occur; a class in which none does is left out.
    tops = {(size * len(SHADES) - 1) // widest: size for size in distinct}
    return Shading(tuple(tops.values()), exact=False)
