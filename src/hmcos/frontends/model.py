"""A model: a network, and the file it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hmcos.graph.graph import Graph
from hmcos.words import printable, shortened

_NAMED = 60
"""Characters of a path in one line about a model."""


@dataclass(frozen=True, slots=True)
class Model:
    """A Graph plus where it came from; made by a frontend's `load`."""

    graph: Graph
    path: Path | None
    """The file; None when the model was given as an object."""
    format: str
    """Which frontend reads and writes it, such as onnx."""
    sha256: str
    """Of the source that is numbered and permuted: the file, or what inlining made of it."""
    original_sha256: str
    """Of the file, or of the object as it serialises; differs from `sha256` only when inlined."""
    inlined: bool
    """Whether local functions were inlined, so that the numbers count nodes of the inlined model."""
    data_files: tuple[Path, ...]
    """Files beside the source that hold its external data, relative to its folder, no repeats."""
    bind: Mapping[str, int]
    """Symbolic dimensions that were given a size."""
    parameter_bytes: int
    """Bytes of the weights and constants that stand in the file or in its data files."""
    proto: object = field(repr=False, compare=False)
    """The source as the frontend's own library reads it; only the frontend looks inside."""

    def __repr__(self) -> str:
        name = shortened(printable(str(self.path or "<model>")), _NAMED)
        return f"<Model {name}, {self.format}: {self.graph!r}>"
