"""Which operators only stand between float inputs and outputs of a graph and quantized tensors."""

from __future__ import annotations

import pytest

from hmcos.graph.builder import GraphBuilder
from hmcos.graph.float_ends import float_ends, without
from hmcos.graph.graph import Graph, Operator, Tensor
from hmcos.graph.rewrite import rewritten
from hmcos.graph.spelling import Spelling

KINDS = "QUANTIZE", "DEQUANTIZE"
FLOAT, BYTE = ("float32", 32), ("int8", 8)


def network(*kinds: str, outputs: tuple[str, ...] = (), twice: str = "") -> Graph:
    """Return a chain of operators from `x` on, each named by its tensor t0, t1, ...; the last is an output.

    `outputs` are further ones, and `twice` is a tensor that an operator at the end reads as well.
    """
    builder = GraphBuilder()
    ids = {"x": builder.add_input(tensor("x", FLOAT if kinds[0] == "QUANTIZE" else BYTE))}
    read = "x"
    for number, kind in enumerate(kinds):
        made = f"t{number}"
        ids[made] = builder.add_tensor(tensor(made, FLOAT if kind == "DEQUANTIZE" else BYTE))
        builder.add_operator(Operator(number, made, kind, "", (ids[read],), (ids[made],)))
        read = made
    if twice:
        ids["also"] = builder.add_tensor(tensor("also", FLOAT))
        builder.add_operator(Operator(len(kinds), "also", "NEG", "", (ids[twice],), (ids["also"],)))
        builder.add_output(ids["also"])
    for name in (*outputs, read):
        builder.add_output(ids[name])
    return builder.build()


def tensor(name: str, element: tuple[str, int]) -> Tensor:
    return Tensor(name, *element, (1, 4))


def test_both_ends_are_found_and_the_quantized_tensors_take_their_place() -> None:
    graph = network("QUANTIZE", "RELU", "DEQUANTIZE")
    ends = float_ends(graph, *KINDS)
    assert ends == (0, 2)
    bare = rewritten(graph, without(graph, ends), Spelling())
    assert [op.kind for op in bare.operators] == ["RELU"]
    assert [bare.tensors[t].name for t in (*bare.inputs, *bare.outputs)] == ["t0", "t1"]


@pytest.mark.parametrize(
    ("graph", "ends"),
    [
        pytest.param(network("QUANTIZE", "RELU"), (0,), id="a float input only"),
        pytest.param(network("RELU", "DEQUANTIZE"), (1,), id="a float output only"),
        pytest.param(network("RELU", "RELU"), (), id="no floats"),
        pytest.param(network("QUANTIZE", "RELU", twice="x"), (), id="the input has another reader"),
        pytest.param(network("QUANTIZE", "RELU", outputs=("x",)), (), id="the input is an output"),
        pytest.param(network("QUANTIZE", "RELU", outputs=("t0",)), (), id="what is made of it is an output"),
        pytest.param(network("RELU", "DEQUANTIZE", outputs=("t0",)), (), id="what it reads is an output"),
        pytest.param(network("RELU", "DEQUANTIZE", twice="t1"), (), id="the output has a reader"),
        pytest.param(network("RELU", "DEQUANTIZE", outputs=("t1",)), (), id="it is an output twice"),
        pytest.param(network("QUANTIZE", "DEQUANTIZE"), (0,), id="nothing in between: one of them stays"),
        pytest.param(network("RELU", "QUANTIZE", "RELU"), (), id="a change of scale inside"),
        pytest.param(network("DEQUANTIZE"), (), id="a quantized input that is only given back"),
    ],
)
def test_what_is_more_than_an_end_stays(graph: Graph, ends: tuple[int, ...]) -> None:
    assert float_ends(graph, *KINDS) == ends
