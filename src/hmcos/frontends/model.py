"""A model: a network, and the file it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hmcos.graph.graph import Graph
from hmcos.words import printable, shortened

_NAMED = 60
"""Most characters of a path in the one-line description of a model."""


@dataclass(frozen=True, slots=True)
class Model:
    """A Graph and its source; made by a frontend's `load`."""

    graph: Graph
    path: Path | None
    """The file; None if the model was given as an object."""
    format: str
    """The name of its format, such as `onnx`."""
    sha256: str
    """Digest of the source whose nodes are numbered and permuted: the file, or the inlined model."""
    original_sha256: str
    """Digest of the file, or of the serialised object; differs from `sha256` only if inlined."""
    inlined: bool
    """Whether local functions were inlined, so that the numbers count nodes of the inlined model."""
    data_files: tuple[Path, ...]
    """Files beside the source that hold its external data, relative to its folder, no repeats."""
    bind: Mapping[str, int]
    """Symbolic dimension to its size, for those that were bound."""
    parameter_bytes: int
    """Bytes of the weights and constants in the file and its data files."""
    file_bytes: int
    """Bytes of the file, without its data files; of the serialised object where there is no file."""
    proto: object = field(repr=False, compare=False)
    """The source in the representation of the frontend's library; only the frontend uses it."""
    is_sorted: bool = False
    """Whether operators of the source were sorted, so that the numbers count them in another order."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What was assumed of the source, or is not counted, each in one line."""
    origin: Model | None = field(default=None, repr=False, compare=False)
    """The model that this one was made of; None for one that was read. Both have the path of the file, beside
    which is their data."""

    @property
    def rewritten(self) -> bool:
        """Whether the model was changed since it was read."""
        return self.origin is not None

    def __repr__(self) -> str:
        name = shortened(printable(str(self.path or "<model>")), _NAMED)
        return f"<Model {name}, {self.format}: {self.graph!r}>"
