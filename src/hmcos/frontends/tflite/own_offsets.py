"""The offsets that a file has already, and by which rules they differ from those that hmcos writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hmcos.errors import ModelError
from hmcos.frontends.format import OwnOffsets
from hmcos.frontends.tflite.calls import paths
from hmcos.frontends.tflite.kernels.kernel_set import ALIGNMENT
from hmcos.frontends.tflite.offsets import UNPLANNED, offsets_used
from hmcos.frontends.tflite.schema import ModelT
from hmcos.graph.graph import Graph, Operator

ELEMENTWISE = frozenset(
    {
        "ABS",
        "ADD",
        "CEIL",
        "COS",
        "DIV",
        "ELU",
        "EXP",
        "FLOOR",
        "HARD_SWISH",
        "LEAKY_RELU",
        "LOG",
        "LOGICAL_AND",
        "LOGICAL_NOT",
        "LOGICAL_OR",
        "LOGISTIC",
        "MAXIMUM",
        "MINIMUM",
        "MUL",
        "NEG",
        "QUANTIZE",
        "RELU",
        "RELU6",
        "ROUND",
        "RSQRT",
        "SIN",
        "SQRT",
        "SQUARE",
        "SQUARED_DIFFERENCE",
        "SUB",
        "TANH",
    }
)
"""Kinds whose kernels in TensorFlow Lite for Microcontrollers read an element before they write its place."""
SAME_BYTES = frozenset({"EXPAND_DIMS", "RESHAPE", "SQUEEZE"})
"""Kinds whose kernels copy the bytes of their input, or nothing if it is in the same place."""


def own_offsets(model: ModelT, graph: Graph) -> OwnOffsets | None:
    """Return the offsets in a file, if the model computes with them what it computes without them.

    They may let operators write over their input, and keep other rules of the target tflm. Of a file without
    any, that is none: the runtime places all tensors. None where the offsets are others, and where operators
    run subgraphs.
    """
    try:
        offsets = offsets_used(model)
    except ModelError:
        return None
    if len(list(paths(model))) > 1:
        return None
    if offsets is None:
        return OwnOffsets({}, ())
    here = offsets[: len(graph.tensors)]
    if any(offset != UNPLANNED and (offset < 0 or offset % ALIGNMENT) for offset in here):
        return None
    written_over: dict[str, None] = {}
    for op, low, high in _meetings(graph, here):
        if op is None or not _is_sound(graph, op, (low, high), here):
            return None
        over, made = (graph.tensors[t].name or f"tensor {t}" for t in (low, high))
        written_over[f"{op.name} writes {made!r} over {over!r}"] = None
    return OwnOffsets({t: offset for t, offset in enumerate(offsets) if offset != UNPLANNED}, [*written_over])


def _meetings(graph: Graph, offsets: Sequence[int]) -> Iterator[tuple[Operator | None, int, int]]:
    """Yield the pairs of tensors that share bytes while both are live, and what makes the second.

    That is an operator; None where the second is an input.
    """
    lives = _lives(graph)
    placed = [t for t in lives if offsets[t] != UNPLANNED and graph.tensors[t].size]
    born: dict[int, list[int]] = {}
    for t in placed:
        born.setdefault(lives[t][0], []).append(t)
    live: list[int] = []
    for step in sorted(born):
        live = [t for t in live if lives[t][1] >= step]
        op = graph.operators[step] if step >= 0 else None
        for made in born[step]:
            for other in live:
                begin, end = (
                    max(offsets[made], offsets[other]),
                    min(_end(graph, offsets, t) for t in (made, other)),
                )
                if begin < end:
                    yield (op if op is not None and made in op.makes else None), other, made
            live.append(made)


def _end(graph: Graph, offsets: Sequence[int], tensor: int) -> int:
    return offsets[tensor] + graph.tensors[tensor].size


def _lives(graph: Graph) -> dict[int, tuple[int, int]]:
    """Return tensor to the first and the last step at which it is live, in the order of the file."""
    lives = dict.fromkeys(graph.inputs, (-1, -1))
    for step, op in enumerate(graph.operators):
        lives |= dict.fromkeys(op.makes, (step, step))
        lives |= {t: (lives[t][0], step) for t in op.reads if t in lives}
    return lives | {t: (lives[t][0], len(graph.operators)) for t in graph.outputs if t in lives}


def _is_sound(graph: Graph, op: Operator, pair: tuple[int, int], offsets: Sequence[int]) -> bool:
    """Return whether an operator may write its output over a tensor: its input, read for the last time."""
    over, made = pair
    read, written = graph.tensors[over], graph.tensors[made]
    if over not in op.reads or len(op.makes) > 1 or offsets[over] != offsets[made]:
        return False
    if _lives(graph)[over][1] != op.number:
        return False
    if op.kind in SAME_BYTES:
        return over == op.input(0) and read.size == written.size
    return op.kind in ELEMENTWISE and (read.shape, read.bits) == (written.shape, written.bits)
