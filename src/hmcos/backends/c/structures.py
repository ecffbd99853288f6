"""The structures of constants that kernels declare, and which numbers their fields can hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

_FIELD = re.compile(r"(u?int(?:8|16|32)_t) ([^;]+);")
_STRUCTURE = re.compile(r"typedef struct \{(.*?)\} (\w+);", re.DOTALL)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_LENGTH = re.compile(r"\[(\d+)\]")


def fits(kind: str, fields: Sequence[object]) -> bool:
    """Return whether the whole numbers of a structure fit into its fields; lists are in braces."""
    values = ", ".join(map(str, fields)).replace("{", "").replace("}", "").split(", ")
    bounds = _bounds()[kind]
    if len(values) != len(bounds):
        raise ValueError(f"{kind} has {len(bounds)} fields, not {len(values)}")
    return all(
        known is None or known[0] <= int(value) <= known[1]
        for value, known in zip(values, bounds, strict=True)
    )


@cache
def _bounds() -> dict[str, list[tuple[int, int] | None]]:
    """Return per structure the least and the most of each number in it; None for pointers and floats."""
    found: dict[str, list[tuple[int, int] | None]] = {}
    for place in sorted(files("hmcos.backends.c").joinpath("kernels").iterdir(), key=lambda one: one.name):
        text = _COMMENT.sub("", place.read_text(encoding="utf-8"))
        for body, name in _STRUCTURE.findall(text):
            found[name] = [bound for line in body.split("\n") for bound in _of_line(line.strip())]
    return found


def _of_line(line: str) -> list[tuple[int, int] | None]:
    if not line.endswith(";"):
        return []
    declared = _FIELD.fullmatch(line)
    bound = None if declared is None else _range(declared[1])
    names = line.rstrip(";").split(",")
    lengths = (_LENGTH.search(name) for name in names)
    return [bound for length in lengths for _ in range(1 if length is None else int(length[1]))]


def _range(element: str) -> tuple[int, int]:
    bits = int(element.removeprefix("u").removeprefix("int").removesuffix("_t"))
    return (0, 2**bits - 1) if element.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
