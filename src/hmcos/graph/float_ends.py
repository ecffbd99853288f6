"""Operators that quantize a float input of a network, or make a float output of a quantized tensor."""

from __future__ import annotations

from collections import Counter

from hmcos.graph.graph import Graph, Operator
from hmcos.graph.kinds import STANDARD_DOMAINS
from hmcos.graph.rewrite import OperatorStep, Rewrite

QUANTIZED = frozenset({"int8", "uint8", "int16", "uint16"})
"""Types of tensors that can take the place of a float input or output."""


def float_ends(graph: Graph, quantize: str, dequantize: str) -> tuple[int, ...]:
    """Return the operators that only stand between float inputs and outputs of a graph and quantized tensors.

    Without them the graph has the quantized tensors as its inputs and outputs. Each is the only reader of its
    input, or makes its output for nobody else, and its scales are parameters. The two kinds are those of the
    format; ascending.
    """
    entering = [op.number for op in graph.operators if op.kind == quantize and _enters(graph, op)]
    taken = frozenset(entering)
    leaving = [op.number for op in graph.operators if op.kind == dequantize and _leaves(graph, op, taken)]
    return tuple(sorted((*entering, *leaving)))


def without(graph: Graph, ends: tuple[int, ...]) -> Rewrite:
    """Return the rewrite of a graph without some of its float ends."""
    left_out, replaced = frozenset(ends), dict[int, int]()
    for number in ends:
        op = graph.operators[number]
        read, made = op.reads[0], op.makes[0]
        replaced |= {read: made} if read in graph.inputs else {made: read}
    steps = [
        OperatorStep(op.number, op.inputs, op.outputs) for op in graph.operators if op.number not in left_out
    ]
    return Rewrite(tuple(steps), replaced=replaced)


def _enters(graph: Graph, op: Operator) -> bool:
    """Return whether an operator does nothing but quantize an input of the graph."""
    if not _is_plain(graph, op):
        return False
    read, made = op.reads[0], op.makes[0]
    return (
        _is_between(graph, read, made)
        and read in graph.inputs
        and graph.readers[read] == (op.number,)
        and not {read, made} & {*graph.outputs}
    )


def _leaves(graph: Graph, op: Operator, entering: frozenset[int]) -> bool:
    """Return whether an operator does nothing but make a float output of what another operator made.

    One that only gives back what an operator on the way in has quantized stays: nothing would be left.
    """
    if not _is_plain(graph, op):
        return False
    read, made = op.reads[0], op.makes[0]
    maker = graph.producer.get(read)
    return (
        _is_between(graph, made, read)
        and Counter(graph.outputs)[made] == 1
        and read not in graph.outputs
        and made not in graph.readers
        and maker is not None
        and maker not in entering
        and _only_end(graph, op)
    )


def _only_end(graph: Graph, op: Operator) -> bool:
    """Return whether no other operator of the kind makes an output of the same tensor."""
    others = (graph.operators[number] for number in graph.readers[op.reads[0]])
    return all(
        other.number == op.number or other.kind != op.kind or not {*other.makes} & {*graph.outputs}
        for other in others
    )


def _is_plain(graph: Graph, op: Operator) -> bool:
    """Return whether an operator of the standard kinds reads one tensor, beside parameters, and makes one."""
    known = [graph.tensors[t].is_parameter for t in op.reads]
    is_standard = op.domain in STANDARD_DOMAINS and not op.captured
    return is_standard and len(op.makes) == 1 and bool(known) and not known[0] and all(known[1:])


def _is_between(graph: Graph, wide: int, narrow: int) -> bool:
    """Return whether one tensor has floats of 32 bits, and the other as many quantized numbers."""
    one, other = graph.tensors[wide], graph.tensors[narrow]
    return one.element == "float32" and other.element in QUANTIZED and one.shape == other.shape
