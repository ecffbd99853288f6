"""The arithmetic by which the reference kernels of TensorFlow Lite resize along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def nearest(size: int, wide: int, *, align: bool, half: bool) -> NDArray[np.int64]:
    """Return the pixel that each of `wide` outputs repeats, in floats of 32 bits; it may lie beyond the last.

    `align` is align_corners, and `half` half_pixel_centers.
    """
    corners = align and wide > 1
    scale = np.float32(size - 1) / np.float32(wide - 1) if corners else np.float32(size) / np.float32(wide)
    places: NDArray[Any] = (np.arange(wide).astype(np.float32) + np.float32(0.5 if half else 0)) * scale
    return np.floor(places + np.float32(0.5) if align else places).astype(np.int64)


def linear(size: int, wide: int, *, align: bool, half: bool) -> tuple[int, int]:
    """Return how far the places of two outputs are apart, and where that of the first is, in 1024ths."""
    less = int(align and wide > 1)
    scale = (1024 * (size - less) + (wide - less) // 2) // (wide - less)
    return scale, scale // 2 - 512 if half else 0
