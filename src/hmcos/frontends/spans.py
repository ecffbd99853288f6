"""Floats that fill the whole range of a quantized tensor."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Span(NamedTuple):
    """Floats from `least` to `most`."""

    least: float
    most: float


def span_of(scale: float, zero: int, element: str) -> Span | None:
    """Return the floats that are quantized without being clipped; None for scales that are no numbers.

    `zero` is the integer that stands for 0, and `element` the type of the integers.
    """
    kinds = np.iinfo(element)
    found = Span(scale * (int(kinds.min) - zero), scale * (int(kinds.max) - zero))
    return found if scale > 0 and np.isfinite(found).all() else None


def spread(draw: np.random.Generator, span: Span, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Return random floats over a whole span."""
    return draw.uniform(span.least, span.most, shape).astype(np.float32)
