"""The sizes of what TensorFlow Lite for Microcontrollers (TFLM) keeps in its arena, by tables."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from hmcos.graph.graph import Operator

_FOLDER = Path(__file__).parent
EVERYTHING = ("i*", "o*")
BUILDS = {8: "package", 4: "firmware"}
"""Bytes of a pointer to the build of TFLM whose sizes are known."""


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure of C++."""

    size: int
    alignment: int


@dataclass(frozen=True, slots=True)
class Build:
    """The structures of one build of TFLM; structures.toml explains each."""

    pointer: int
    allocator: tuple[Structure, ...]
    two_allocators: tuple[Structure, ...]
    """Those of two separate arenas, instead of the first of `allocator`."""
    structures: dict[str, Structure]

    def __getitem__(self, name: str) -> Structure:
        """Return a structure by its name in the table."""
        return self.structures[name]


@dataclass(frozen=True, slots=True)
class Kernel:
    """What a kernel keeps, in bytes; kernels.toml explains each."""

    options: Structure
    data: int
    rule: str
    """Name of a rule for more; empty if there is none."""
    numbers: tuple[int, ...]
    """The numbers of the rule."""
    looks: tuple[str, ...] = EVERYTHING
    """What it looks at while it is set up: i2 is the third input, i* are all, o0 is the first output."""

    def looked_at(self, op: Operator) -> Iterator[int]:
        """Yield the tensors that it looks at, in order; some more than once."""
        for word in self.looks:
            tensors = op.inputs if word[0] == "i" else op.outputs
            chosen = tensors if word[1] == "*" else tensors[int(word[1]) : int(word[1]) + 1]
            yield from (t for t in chosen if t is not None)


@cache
def build(pointer_bytes: int) -> Build:
    """Return the build of TFLM with pointers of 8 or 4 bytes."""
    table = _table("structures.toml")[BUILDS[pointer_bytes]]
    lists = ("allocator", "two_allocators")
    named = {name: Structure(*pair) for name, pair in table.items() if name not in ("pointer", *lists)}
    allocator, apart = (tuple(Structure(*pair) for pair in table[name]) for name in lists)
    return Build(table["pointer"], allocator, apart, named)


@cache
def known_kernels(pointer_bytes: int) -> dict[str, Kernel]:
    """Return kind to what its kernel keeps; kinds that are not in it are unknown."""
    return {kind: _kernel(row, pointer_bytes) for kind, row in _table("kernels.toml").items()}


def _kernel(row: dict[str, Any], pointer_bytes: int) -> Kernel:
    rule, *numbers = cast(str, row.get("also", "")).split() or [""]
    size = _of(row.get("options", 0), pointer_bytes)
    # Options hold numbers of 4 bytes, or only bytes; those that differ between the builds hold pointers.
    by = pointer_bytes if isinstance(row.get("options"), list) else 4 if size % 4 == 0 else 1
    data = _of(row.get("data", 0), pointer_bytes)
    looks = tuple(row["looks"].split()) if "looks" in row else EVERYTHING
    return Kernel(Structure(size, by), data, rule, tuple(map(int, numbers)), looks)


def _of(value: int | list[int], pointer_bytes: int) -> int:
    return value if isinstance(value, int) else value[list(BUILDS).index(pointer_bytes)]


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / name).read_text(encoding="utf-8"))
