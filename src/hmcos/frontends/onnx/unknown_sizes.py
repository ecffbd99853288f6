"""What is said of a model whose sizes are not all known, and what can be bound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hmcos.errors import SizeError
from hmcos.frontends.onnx.given_values import suggested
from hmcos.frontends.onnx.listing import ListedGraph
from hmcos.frontends.onnx.sizes import InputSizes, axes_to_bind
from hmcos.frontends.onnx.types import UNKNOWN, ValueType
from hmcos.graph.graph import Graph, Operator

LISTED = 3
"""Most tensors and symbols that an error lists."""
_WINDOWED = frozenset(("AveragePool", "Conv", "ConvInteger", "FusedConv", "LpPool", "MaxPool", "QLinearConv"))
"""Kinds of which the sizes are unknown if the window is larger than what it reads."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The tensors of a model whose sizes are unknown."""

    graph: Graph
    ids: Mapping[int, str]
    """Those of the main graph."""
    words: Sequence[str]
    """A description of each, those in bodies as well."""
    types: Mapping[str, ValueType]
    """What is known of the tensors of the main graph, by name."""


def size_error(unknown: Unknown, main: ListedGraph, sizes: InputSizes) -> SizeError:
    """Return the error that says which sizes of a model are unknown, and how they can be given."""
    words = unknown.words
    more = f" and {len(words) - LISTED} more" if len(words) > LISTED else ""
    what = f"sizes are unknown: {', '.join(words[:LISTED])}{more}"
    free = [symbol for symbol in sizes.symbols if symbol not in sizes.bind]
    values = suggested(main, sizes.bind)
    valued = f", or bind the value of an input that decides them, --bind {values[0]}=VALUE" if values else ""
    axes = tuple(axes_to_bind(main, sizes.bind))
    if free:
        rest = f" and {len(free) - LISTED} more" if len(free) > LISTED else ""
        listed = f"{', '.join(free[:LISTED])}{rest}"
        return SizeError(f"{what}; bind the free symbols {listed} with --bind NAME=VALUE{valued}", axes)
    begins = list(_first_unknown(unknown))
    narrow = next((op for op in begins if op.kind in _WINDOWED), None)
    if narrow is not None:
        by_default = "".join(
            f"; by default {name} counts as 1: --bind {name}=N" for name in sizes.defaults[:1]
        )
        what = f"{what}; the window of {narrow.title} is larger than what it reads"
        return SizeError(f"{what}{by_default or ': bind larger sizes'}", sizes.defaults)
    axes = tuple(dict.fromkeys((*axes, *_axes(unknown, begins))))
    return SizeError(f"{what};{_way_out(axes, valued)}", axes)


def _way_out(axes: Sequence[str], valued: str) -> str:
    shapes = "give these tensors fixed shapes in the file's value_info"
    if not axes:
        way = f"{valued.removeprefix(', or')}, or" if valued else " no size of them can be bound:"
        return f"{way} {shapes}"
    rest = f" and {len(axes) - LISTED} more" if len(axes) > LISTED else ""
    bound = f"--bind {'=N --bind '.join(axes[:LISTED])}=N{rest}"
    return f" bind the sizes that these can have at most, {bound}{valued}, or {shapes}"


def _first_unknown(unknown: Unknown) -> Iterator[Operator]:
    """Yield the operators that make unknown sizes though all sizes that they read are known."""
    for op in unknown.graph.operators:
        reads_known = not any(t in unknown.ids for t in (*op.inputs, *op.captured))
        if reads_known and any(t in unknown.ids for t in op.makes):
            yield op


def _axes(unknown: Unknown, operators: Sequence[Operator]) -> Iterator[str]:
    for op in operators:
        for t in (t for t in op.makes if t in unknown.ids):
            name = unknown.graph.tensors[t].name
            found = unknown.types.get(name, UNKNOWN)
            if found.element and (found.kind == "tensor" or op.kind == "SplitToSequence"):
                shape: Sequence[object] = (None,) if found.shape is None else found.shape
                yield from (f"{name}:{axis}" for axis, n in enumerate(shape) if not isinstance(n, int))
