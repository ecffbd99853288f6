"""The colours of rows: along the network from blue to red, neighbours lighter and darker in turn."""

from __future__ import annotations

from hmcos.report.pictures.colours import INK
from hmcos.tasks.draw.row_scene import INPUT, SUMS, RowScene

FED = "#c9d1d9"
"""Inputs of the network."""
SUMMED = INK
_STOPS = ("#2b4c9b", "#2f7fc1", "#35a7a6", "#63b46a", "#c9b83c", "#ec9a3c", "#df6237", "#b02a4c")
_LIGHTER = 0.24
"""How far every second layer is moved towards white."""


def colour(scene: RowScene, operator: int, tensor: int = 0) -> str:
    """Return the colour of what an operator makes: "#rrggbb"."""
    depth = scene.depth(operator, tensor)
    if depth == INPUT:
        return FED
    if depth == SUMS:
        return SUMMED
    lighter = _LIGHTER if scene.place.get(operator, 0) % 2 else 0.0
    return _hex([part + (255 - part) * lighter for part in _between(depth)])


def ramp(parts: int) -> list[str]:
    """Return the colours from the first layer to the last, for a legend."""
    return [_hex(_between(k / max(1, parts - 1))) for k in range(parts)]


def is_dark(shade: str) -> bool:
    """Return whether light letters are read better upon a colour."""
    red, green, blue = _parts(shade)
    return 0.3 * red + 0.59 * green + 0.11 * blue < 140


def _between(depth: float) -> list[float]:
    at = min(max(depth, 0.0), 1.0) * (len(_STOPS) - 1)
    low = min(int(at), len(_STOPS) - 2)
    pairs = zip(_parts(_STOPS[low]), _parts(_STOPS[low + 1]), strict=True)
    return [a + (b - a) * (at - low) for a, b in pairs]


def _parts(shade: str) -> list[int]:
    return [int(shade[k : k + 2], 16) for k in (1, 3, 5)]


def _hex(parts: list[float]) -> str:
    return "#" + "".join(f"{round(part):02x}" for part in parts)
