"""What is known of an ONNX model while some of its sizes are unknown."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, parser

from hmcos.errors import SizeError
from hmcos.frontends.onnx import load
from hmcos.frontends.onnx.outline import outline
from hmcos.frontends.outline import Port
from onnx_models import BOOL, INT64, graph, model, node, value, weight
from property.model_strategies import models


@settings(max_examples=30)
@given(models())
def test_of_a_model_whose_sizes_are_known_it_tells_what_the_graph_tells(made: ModelProto) -> None:
    told, known = outline(made, {}), load(made).graph
    for ports, ids in ((told.inputs, known.inputs), (told.outputs, known.outputs)):
        tensors = [known.tensors[t] for t in ids]
        assert [(p.name, p.element, p.shape) for p in ports] == [
            (t.name, t.element, t.shape) for t in tensors
        ]
    assert told.kinds == Counter(op.kind for op in known.operators)
    assert list(told.kinds.values()) == sorted(told.kinds.values(), reverse=True)
    assert (told.symbols, told.parameters, told.parameter_bytes) == ((), 0, 0)


def test_symbols_stay_symbols_until_they_are_bound() -> None:
    made = model(
        graph(
            [node("Add", "x w", "y"), node("Relu", "y", "z"), node("Relu", "z", "out")],
            [value("x", ("batch", None, 4)), value("go", (), BOOL), value("any")],
            [value("out", ("batch", "seq", 4))],
            [weight("w", [1.0, 2.0, 3.0, 4.0])],
        )
    )
    with pytest.raises(SizeError):
        load(made)
    told = outline(made, {})
    assert told.inputs == (
        Port("x", "float32", ("batch", "x:1", 4)),
        Port("go", "bool", ()),
        Port("any", "", None),
    )
    assert told.outputs == (Port("out", "float32", ("batch", "seq", 4)),)
    assert told.kinds == {"Relu": 2, "Add": 1}
    assert (told.symbols, told.parameters, told.parameter_bytes) == (("batch", "x:1", "seq"), 1, 16)
    assert outline(made, {"batch": 3}).inputs[0].shape == (3, "x:1", 4)


@given(st.lists(st.integers(0, 5), max_size=4), st.lists(st.integers(0, 5), max_size=4))
def test_weights_and_constants_count_wherever_they_are(outside: list[int], inside: list[int]) -> None:
    def body(name: str, sizes: list[int]) -> str:
        lines = [
            f"c{k} = Constant <value = float[{n}] {{{', '.join('1' * n)}}}> ()" for k, n in enumerate(sizes)
        ]
        return f"{name} () => (float[4] r) {{ {' '.join(lines)} r = Neg(x) }}"

    weights = "".join(f", int64[{n}] w{k} = {{{', '.join('2' * n)}}}" for k, n in enumerate(outside))
    text = (
        '<ir_version: 8, opset_import: ["" : 17]> net (bool go, float[4] x) => (float[4] y) '
        f"<int64[1] first = {{0}}{weights}> {{ "
        f"y = If (go) <then_branch = {body('yes', inside)}, else_branch = {body('no', [])}> }}"
    )
    told = outline(parser.parse_model(text), {})
    assert told.parameters == 1 + len(outside) + len(inside)
    assert told.parameter_bytes == 8 + 8 * sum(outside) + 4 * sum(inside)
    assert [port.name for port in told.inputs] == ["go", "x"]


def test_an_input_with_a_default_is_a_parameter() -> None:
    made = graph(
        [node("Identity", "w", "y")], [value("w", (2,), INT64)], [value("y")], [weight("w", [1, 2], "int64")]
    )
    told = outline(model(made), {})
    assert (told.inputs, told.parameters, told.parameter_bytes) == ((), 1, 16)
