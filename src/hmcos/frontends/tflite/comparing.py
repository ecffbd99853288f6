"""Compare two models field by field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast


def differences(one: object, other: object) -> Iterator[str]:
    """Yield the places, such as subgraphs[0].operators[3].inputs, at which two trees of objects differ.

    A missing vector differs from an empty one; an array equals a list of the same entries.
    """
    open_pairs: list[tuple[str, Any, Any]] = [("", one, other)]
    while open_pairs:
        place, left, right = open_pairs.pop()
        if hasattr(left, "__dict__") and type(left) is type(right):
            names = cast("dict[str, object]", vars(left))
            open_pairs += [(f"{place}.{name}", getattr(left, name), getattr(right, name)) for name in names]
        elif _is_list(left) or _is_list(right):
            if not _is_list(left) or not _is_list(right) or len(left) != len(right):
                yield place.lstrip(".")
            elif hasattr(left, "tobytes") and hasattr(right, "tobytes"):
                if left.tobytes() != right.tobytes():
                    yield place.lstrip(".")
            else:
                pairs = zip(left, right, strict=True)
                open_pairs += [(f"{place}[{i}]", a, b) for i, (a, b) in enumerate(pairs)]
        elif _plain(left) != _plain(right):
            yield place.lstrip(".")


def _is_list(value: object) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str | bytes)


def _plain(value: object) -> object:
    """Return a value that can be compared: text as bytes, not-a-number as a word."""
    if isinstance(value, str):
        return value.encode()
    return repr(value) if isinstance(value, float) else value
