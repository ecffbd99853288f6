"""Networks from a few words, for tests."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.graph.builder import GraphBuilder
from hmcos.graph.graph import Graph, Operator, Tensor
from hmcos.memory.problem import Problem

FORK = Problem(
    names=("grow a", "grow b", "shrink a", "shrink b", "join"),
    sizes=(10, 100, 100, 10, 10, 5),
    inputs=(0,),
    kept=(5,),
    reads=((0,), (0,), (1,), (2,), (3, 4)),
    makes=((1,), (2,), (3,), (4,), (5,)),
    may_overwrite=((), (), (), (), ()),
    scratch=(0, 0, 0, 0, 7),
)
"""Two branches: each makes a large buffer from the input, then a small one; the end reads both."""

INSTANCE = """{"format": "hmcos-instance/1", "buffers": [10, 100, 100, 10, 10, 5], "inputs": [0], "kept": [5],
 "operators": [{"name": "grow a", "reads": [0], "makes": [1]}, {"name": "grow b", "reads": [0], "makes": [2]},
  {"name": "shrink a", "reads": [1], "makes": [3]}, {"name": "shrink b", "reads": [2], "makes": [4]},
  {"name": "join", "reads": [3, 4], "makes": [5]}]}"""
"""The same as a file, without scratch."""

_BITS = {"float32": 32, "int32": 32, "float64": 64, "bool": 8, "int4": 4}


def network(*lines: str, random: frozenset[str] = frozenset()) -> Graph:
    """A network, one line per item; every tensor is float32[4], 16 bytes, unless its name says otherwise.

    `input x:int4[3]`, `parameter w`, `output y`, or an operator: `y z:bool[2,2] = Kind x _ w`, where `_` is
    left out. Kinds in `random` are random operators.
    """
    builder = GraphBuilder()
    ids: dict[str, int] = {}
    number = 0
    for line in lines:
        words = line.split()
        if words[0] == "input":
            ids.update({t.name: builder.add_input(t) for t in map(_tensor, words[1:])})
        elif words[0] == "parameter":
            ids.update({t.name: builder.add_parameter(t) for t in map(_tensor, words[1:])})
        elif words[0] == "output":
            for name in words[1:]:
                builder.add_output(ids[name])
        else:
            split = words.index("=")
            made = [None if word == "_" else _tensor(word) for word in words[:split]]
            kind, inputs = words[split + 1], words[split + 2 :]
            read = tuple(None if name == "_" else ids[name] for name in inputs)
            outputs = tuple(None if t is None else builder.add_tensor(t) for t in made)
            ids.update({t.name: i for t, i in zip(made, outputs, strict=True) if t and i is not None})
            domain, _, bare = kind.rpartition(":")
            builder.add_operator(
                Operator(number, f"n{number}", bare, domain, read, outputs, is_random=kind in random)
            )
            number += 1
    return builder.build()


def problem_of(
    reads: Sequence[Sequence[int]],
    sizes: Sequence[int],
    *,
    inputs: int = 1,
    kept: Sequence[int] = (),
    in_place: bool = False,
) -> Problem:
    """Each operator makes one buffer; these are numbered from `inputs` on, the inputs before them."""
    return Problem(
        names=tuple(f"op{op}" for op in range(len(reads))),
        sizes=tuple(sizes),
        inputs=tuple(range(inputs)),
        kept=tuple(kept),
        reads=tuple(map(tuple, reads)),
        makes=tuple((inputs + op,) for op in range(len(reads))),
        may_overwrite=tuple(tuple(read) if in_place else () for read in reads),
        scratch=(0,) * len(reads),
    )


def two_cells() -> Problem:
    """Two cells as NAS networks have them: the second reads the end of the first, and the stem.

    0 stem; 1, 2 -> 3 ends the first cell; 4, 5 read it and are small; 6 adds 4 and the stem;
    7 ends the second cell.
    """
    return problem_of(
        [[0], [1], [1], [2, 3], [4], [4], [5, 1], [7, 6]],
        [4, 4, 4, 4, 8, 2, 2, 4, 6],
        kept=[8],
    )


def three_branches() -> Problem:
    """Branches that swell and shrink, then a sum: depth first is best, breadth first is worst."""
    return problem_of(
        [[0], [0], [0], [1], [2], [3], [4, 5, 6]],
        [1, 9, 9, 9, 1, 1, 1, 1],
        kept=[7],
    )


def tensor_id(graph: Graph, name: str) -> int:
    return next(i for i, tensor in enumerate(graph.tensors) if tensor.name == name)


def _tensor(word: str) -> Tensor:
    name, _, kind = word.partition(":")
    element, _, shape = (kind or "float32[4]").rstrip("]").partition("[")
    return Tensor(name, element, _BITS[element], tuple(int(size) for size in shape.split(",") if size))
