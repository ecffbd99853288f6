"""Small graphs for the tests of the graph room."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.graph.builder import GraphBuilder
from hmcos.graph.graph import Operator, Tensor

Line = tuple[str, Sequence[str], Sequence[str]]
"""Kind, inputs and outputs of an operator by name; an empty name is left out."""


def tensor(name: str, *shape: int) -> Tensor:
    return Tensor(name, "float32", 32, shape or (4,))


def builder(
    lines: Sequence[Line],
    *,
    inputs: Sequence[str] = (),
    parameters: Sequence[str] = (),
    outputs: Sequence[str] = (),
    random: Sequence[int] = (),
) -> GraphBuilder:
    """Return a builder with the operators of `lines`, their tensors by name; those of `random` are random."""
    made = GraphBuilder("test")
    ids = {name: made.add_input(tensor(name)) for name in inputs}
    ids |= {name: made.add_parameter(tensor(name)) for name in parameters}
    for _, reads, makes in lines:
        for name in (*reads, *makes):
            if name and name not in ids:
                ids[name] = made.add_tensor(tensor(name))
    for number, (kind, reads, makes) in enumerate(lines):
        taken = tuple(ids[name] if name else None for name in reads)
        given = tuple(ids[name] if name else None for name in makes)
        made.add_operator(Operator(number, f"n{number}", kind, "", taken, given, is_random=number in random))
    for name in outputs:
        made.add_output(ids[name])
    return made
