"""Reading ONNX: which tensors, of which sizes, and which of them are parameters."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, parser

from hmcos.errors import ModelError
from hmcos.frontends.onnx import load, reading
from hmcos.graph.graph import Graph, Tensor
from hmcos.graph.text import text
from onnx_models import (
    INT64,
    branches,
    chain,
    diamond,
    graph,
    loop,
    model,
    node,
    value,
    weight,
)


def named(made: Graph, name: str) -> Tensor:
    return next(t for t in made.tensors if t.name == name)


def parameters(made: Graph) -> set[str]:
    return {t.name for t in made.tensors if t.is_parameter}


def test_a_file_is_a_graph_and_where_it_came_from(tmp_path: Path) -> None:
    path = tmp_path / "diamond.onnx"
    path.write_bytes(diamond().SerializeToString())
    found = load(path)
    assert text(found.graph).splitlines() == [
        "input x: float32[2,4]",
        "0 Relu 'a' (x) -> a: float32[2,4]",
        "1 MatMul 'b' (a, w*) -> b: float32[2,4]",
        "2 Neg 'c' (a) -> c: float32[2,4]",
        "3 Abs 'd' (c) -> d: float32[2,4]",
        "4 Add 'e' (b, d) -> e: float32[2,4]",
        "output e",
    ]
    assert found.path == path
    assert found.format == "onnx"
    assert found.sha256 == found.original_sha256 == sha256(path.read_bytes()).hexdigest()
    assert not found.inlined
    assert found.data_files == ()
    assert found.parameter_bytes == 64
    assert load(str(path)) == found


def test_an_object_is_read_without_changing_it() -> None:
    source = loop()
    before = source.SerializeToString()
    found = load(source, {"batch": 2})
    assert source.SerializeToString() == before
    assert found.path is None
    assert found.sha256 == sha256(before).hexdigest()
    assert found.bind == {"batch": 2}


def test_initializers_listed_as_inputs_are_parameters() -> None:
    made = diamond()
    made.graph.input.append(value("w", [4, 4]))
    found = load(made).graph
    assert [found.tensors[t].name for t in found.inputs] == ["x"]
    assert "w" in parameters(found)


def test_what_is_computed_from_weights_and_constants_is_a_parameter() -> None:
    nodes = [
        node("Constant", "", "k", value=weight("", [1.0, 2.0])),
        node("Mul", "w k", "v"),
        node("RandomNormalLike", "v", "r"),
        node("Add", "x v", "y"),
    ]
    found = load(
        model(graph(nodes, [value("x", [2])], [value("y", [2]), value("v", [2])], [weight("w", [3, 4])]))
    )
    assert parameters(found.graph) == {"w", "k", "v"}
    assert found.graph.operators[2].is_random
    assert found.parameter_bytes == 16


def test_optional_inputs_and_outputs_keep_their_places() -> None:
    nodes = [node("Clip", "x _ high", "y"), node("Dropout", "y", "z mask"), node("MaxPool", "p", "q _")]
    nodes[2].attribute.append(helper.make_attribute("kernel_shape", [1, 1]))
    found = load(
        model(graph(nodes, [value("x", [3]), value("p", [1, 1, 2, 2])], [value("z")], [weight("high", 6.0)]))
    ).graph
    assert found.operators[0].inputs == (1, None, 0)
    assert found.operators[1].makes == (4, 5)
    assert named(found, "mask").element == "bool"
    assert found.operators[2].outputs == (6, None)


def test_symbols_are_bound_and_stale_shapes_derived_anew() -> None:
    made = chain(["n", 3])
    made.graph.value_info.append(value("t0", [1, 3]))
    made.graph.output[0].CopyFrom(value("t2", [1, 3]))
    found = load(made, {"n": 5}).graph
    assert [t.shape for t in found.tensors] == [(5, 3)] * 4
    assert found.symbols == ("n",)


def test_reshapes_that_compute_their_shape_are_followed() -> None:
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n", axis=0),
        node("Unsqueeze", "n axes", "n1"),
        node("Concat", "n1 rest", "to", axis=0),
        node("Reshape", "x to", "y"),
    ]
    weights = [weight("zero", 0, "int64"), weight("axes", [0], "int64"), weight("rest", [-1], "int64")]
    found = load(model(graph(nodes, [value("x", ["n", 3, 4])], [value("y")], weights)), {"n": 5}).graph
    assert named(found, "y").shape == (5, 12)
    assert named(found, "n").shape == ()


def test_a_custom_operator_is_opaque_but_usable_with_value_info() -> None:
    nodes = [node("acme::Fold", "x", "y"), node("Relu", "y", "z"), node("acme::Fold", "z", "o")]
    infos = [value("y", ["16*s77", "floor(s77/2) + 1"])]
    made = graph(nodes, [value("x", ["s77"])], [value("o", [7], TensorProto.FLOAT16)], infos=infos)
    for domains in ({"acme": 1}, {}):
        found = load(model(made, domains=domains), {"s77": 5}).graph
        assert named(found, "z").shape == (80, 3)
        assert named(found, "o") == Tensor("o", "float16", 16, (7,))
        assert found.operators[0].domain == "acme"


def test_the_file_is_trusted_only_where_inference_is_at_a_loss() -> None:
    nodes = [node("NonZero", "x", "i"), node("Cast", "i", "f", to=1), node("Relu", "f", "y")]
    infos = [value("i", [2, 4], INT64), value("y", [9, 9])]
    found = load(model(graph(nodes, [value("x", [2, 3])], [value("y")], infos=infos))).graph
    assert named(found, "i").shape == (2, 4)
    assert named(found, "y").shape == (2, 4)


@pytest.mark.parametrize(
    ("element", "name", "size"),
    [
        (TensorProto.FLOAT16, "float16", 10),
        (TensorProto.BFLOAT16, "bfloat16", 10),
        (TensorProto.DOUBLE, "float64", 40),
        (TensorProto.BOOL, "bool", 5),
        (TensorProto.FLOAT8E4M3FN, "float8_e4m3fn", 5),
        (TensorProto.INT4, "int4", 3),
        (TensorProto.UINT2, "uint2", 2),
        (TensorProto.COMPLEX128, "complex128", 80),
    ],
)
def test_element_types_have_their_widths(element: int, name: str, size: int) -> None:
    made = graph([node("Identity", "x", "y")], [value("x", [5], element)], [value("y")])
    found = named(load(model(made, 25)).graph, "y")
    assert (found.element, found.size) == (name, size)


def test_quantised_models_have_their_sizes() -> None:
    nodes = [
        node("QuantizeLinear", "x scale zero", "q"),
        node("DequantizeLinear", "packed scale", "w"),
        node("DequantizeLinear", "q scale zero", "d"),
        node("MatMul", "d w", "y"),
    ]
    packed = helper.make_tensor("packed", TensorProto.INT4, [4, 2], [1] * 8)
    weights = [packed, weight("scale", 0.5), weight("zero", 3, "uint8")]
    found = load(model(graph(nodes, [value("x", [3, 4])], [value("y")], weights), 21))
    assert named(found.graph, "q").size == 12
    assert parameters(found.graph) == {"packed", "scale", "zero", "w"}
    assert found.parameter_bytes == 4 + 4 + 1


@pytest.mark.parametrize(
    ("opset", "mode", "attributes", "random"),
    [
        (17, [], {}, False),
        (17, [False], {}, False),
        (17, [True], {}, True),
        (10, [], {}, False),
        (6, [], {"is_test": 1}, False),
        (6, [], {}, True),
    ],
)
def test_dropout_is_random_in_training(
    opset: int, mode: list[bool], attributes: dict[str, int], random: bool
) -> None:
    made = node("Dropout", "x _ training" if mode else "x", "y", **attributes)
    weights = [weight("training", mode[0], "bool")] if mode else []
    found = load(model(graph([made], [value("x", [2])], [value("y")], weights), opset)).graph
    assert found.operators[0].is_random is random


def test_a_loop_is_one_operator_with_its_body_as_a_graph() -> None:
    found = load(loop(), {"batch": 2})
    assert text(found.graph).splitlines() == [
        "input x: float32[2,3]",
        "input going0: bool[]",
        "input trips: int64[]",
        "0 Relu (x) -> r: float32[2,3]",
        "1 Loop (trips, going0, r) [x] -> z: float32[2,3]",
        "  body:",
        "    input step: int64[]",
        "    input going: bool[]",
        "    input carried: float32[2,3]",
        "    0 Add (carried, carried) -> c1: float32[2,3]",
        "    1 MatMul (c1, inner*) -> c2: float32[2,3]",
        "    2 Add (c2, x*) -> c3: float32[2,3]",
        "    3 Identity (going) -> on: bool[]",
        "    output on",
        "    output c3",
        "2 Relu (z) -> y: float32[2,3]",
        "output y",
    ]
    assert found.parameter_bytes == 36


def test_nested_branches_capture_through_both_levels() -> None:
    found = load(branches()).graph
    outer = found.operators[1]
    then = outer.bodies[0].graph if outer.bodies[0].attribute == "then_branch" else outer.bodies[1].graph
    inner = then.operators[1]
    assert [found.tensors[t].name for t in outer.captured] == ["x"]
    assert {then.tensors[t].name for t in inner.captured} == {"x", "n1"}
    assert parameters(then) == {"x", "flag"}
    deep = next(body.graph for body in inner.bodies if body.attribute == "then_branch")
    assert [(t.name, t.is_parameter) for t in deep.tensors] == [("e1", False), ("e2", False), ("x", True)]


def test_an_operator_with_a_body_of_parameters_alone_makes_parameters() -> None:
    then = graph([node("Neg", "w", "a")], [], [value("a")])
    draw = graph([node("RandomNormalLike", "w", "b")], [], [value("b")])
    weights = [weight("w", [1, 2]), weight("flag", True, "bool")]
    nodes = [
        node("If", "flag", "y", then_branch=then, else_branch=then),
        node("If", "flag", "z", then_branch=then, else_branch=draw),
    ]
    found = load(model(graph(nodes, [], [value("y"), value("z")], weights))).graph
    assert parameters(found) == {"w", "flag", "y"}
    assert [op.is_random for op in found.operators] == [False, True]


def test_a_scan_has_the_shapes_of_one_iteration() -> None:
    inside = graph(
        [node("Add", "state x", "next"), node("Identity", "next", "out")],
        [value("state"), value("x")],
        [value("next"), value("out")],
    )
    made = node("Scan", "s xs", "last all", body=inside, num_scan_inputs=1)
    found = load(
        model(graph([made], [value("s", [3]), value("xs", [7, 3])], [value("last"), value("all")]))
    ).graph
    body = found.operators[0].bodies[0].graph
    assert named(found, "all").shape == (7, 3)
    assert named(body, "x").shape == (3,)
    assert named(body, "out").shape == (3,)


def test_local_functions_are_inlined() -> None:
    inside = [node("Relu", "a", "t"), node("Neg", "t", "b")]
    double = helper.make_function("local", "Double", ["a"], ["b"], inside, [helper.make_opsetid("", 17)])
    made = graph(
        [node("local::Double", "x", "m"), node("local::Double", "m", "y")],
        [value("x", [3])],
        [value("y", [3])],
    )
    source = model(made, domains={"local": 1}, functions=[double])
    found = load(source)
    assert found.inlined
    assert [op.kind for op in found.graph.operators] == ["Relu", "Neg", "Relu", "Neg"]
    assert found.original_sha256 == sha256(source.SerializeToString()).hexdigest()
    assert isinstance(found.proto, ModelProto)
    assert found.sha256 == sha256(found.proto.SerializeToString(deterministic=True)).hexdigest()
    assert load(source).sha256 == found.sha256 != found.original_sha256


def test_heavy_weights_and_constants_do_not_hide_shapes() -> None:
    nodes = [
        node("Constant", "", "k", value=weight("", np.ones((100, 100)))),
        node("MatMul", "x k", "y"),
        node("MatMul", "y w", "z"),
    ]
    made = graph(nodes, [value("x", [2, 100])], [value("z")], [weight("w", np.ones((100, 300)))])
    found = load(model(made))
    assert named(found.graph, "z").shape == (2, 300)
    assert found.graph.operators[0].kind == "Constant"
    assert found.parameter_bytes == 4 * (10_000 + 30_000)


def test_outputs_may_be_inputs_parameters_or_inner_values() -> None:
    made = diamond()
    made.graph.output.extend([value("x", [2, 4]), value("w", [4, 4]), value("a", [2, 4])])
    found = load(made).graph
    assert [found.tensors[t].name for t in found.outputs] == ["e", "x", "w", "a"]


def test_shapes_computed_where_data_propagation_gives_up_are_followed() -> None:
    nodes = [
        node("Shape", "x", "s"),
        node("Div", "s two", "half"),
        node("ConstantOfShape", "rank", "ones", value=weight("", [1], "int64")),
        node("Equal", "wish ones", "equal"),
        node("Where", "equal half wish", "to"),
        node("Expand", "thin to", "y"),
    ]
    weights = [
        weight("two", 2, "int64"),
        weight("rank", [2], "int64"),
        weight("wish", [7, 1], "int64"),
        weight("thin", [[0.0]]),
    ]
    inputs = [value("x", ["n", "m"])]
    found = load(model(graph(nodes, inputs, [value("y")], weights)), {"n": 2, "m": 6}).graph
    assert named(found, "y").shape == (7, 3)
    assert [op.kind for op in found.operators][2] == "ConstantOfShape"


def test_bodies_see_the_values_of_constants_outside() -> None:
    inside = graph([node("Unsqueeze", "x axes", "u"), node("Squeeze", "u axes", "v")], [], [value("v")])
    nodes = [
        node("Constant", "", "axes", value=weight("", [1], "int64")),
        node("If", "flag", "y", then_branch=inside, else_branch=inside),
    ]
    inputs = [value("x", [2, 3]), value("flag", [], TensorProto.BOOL)]
    found = load(model(graph(nodes, inputs, [value("y")]))).graph
    assert named(found, "y").shape == (2, 3)
    assert named(found.operators[1].bodies[0].graph, "u").shape == (2, 1, 3)


@pytest.mark.parametrize(
    ("kind", "reads"), [("ConstantOfShape", "huge"), ("Expand", "one huge"), ("Range", "zero limit one0")]
)
def test_absurd_shape_values_are_not_computed(kind: str, reads: str) -> None:
    weights = [
        weight("huge", [10**5, 10**5, 10**5], "int64"),
        weight("one", [1.0]),
        weight("zero", 0, "int64"),
        weight("one0", 1, "int64"),
        weight("limit", 10**15, "int64"),
        weight("k", 2, "int64"),
    ]
    nodes = [
        node(kind, reads, "big"),
        node("Shape", "big", "s"),
        node("Mod", "s k", "t"),
        node("Expand", "x t", "y"),
    ]
    made = graph(nodes, [value("x", [1])], [value("y", [0, 0, 1])], weights)
    found = load(model(made)).graph
    assert named(found, "big").is_parameter


@pytest.mark.parametrize(("opset", "element"), [(7, "float32"), (10, "bool"), (17, "bool")])
def test_the_mask_of_dropout_is_counted_in_every_operator_set(opset: int, element: str) -> None:
    made = graph([node("Dropout", "x", "y mask")], [value("x", [2, 3])], [value("y")])
    mask = named(load(model(made, opset)).graph, "mask")
    assert (mask.element, mask.shape) == (element, (2, 3))


def test_statistics_of_old_batch_normalization_are_counted() -> None:
    reads = "x scale bias mean variance"
    normalise = node("BatchNormalization", reads, "y a b c d")
    weights = [weight(name, [1.0, 1.0, 1.0]) for name in reads.split()[1:]]
    found = load(model(graph([normalise], [value("x", [1, 3, 2])], [value("y")], weights), 9)).graph
    assert [found.tensors[t].shape for t in found.operators[0].makes] == [(1, 3, 2), *[(3,)] * 4]


def test_old_files_without_operator_sets_repeated_names_and_unread_operators_are_read() -> None:
    nodes = [
        node("Relu", "x", "a", name="n"),
        node("Neg", "a", "y", name="n"),
        node("Abs", "a", "dead", name="n"),
    ]
    made = model(graph(nodes, [value("x", [2, 3])], [value("y", [2, 3])]))
    made.ir_version = 3
    del made.opset_import[:]
    found = load(made)
    assert [op.name for op in found.graph.operators] == ["n", "n", "n"]
    assert named(found.graph, "dead").shape == (2, 3)
    assert found.notes == ()


def test_what_runs_in_training_only_is_noted() -> None:
    made = chain()
    made.training_info.add().algorithm.node.append(node("Relu", "x", "other"))
    found = load(made)
    assert found.graph == load(chain()).graph
    assert found.notes == ("training_info is not counted: it runs in training only",)


def test_too_many_operators_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_OPERATORS", 2)
    body = parser.parse_graph("b () => (float[1] z) { u = Neg(x) z = Exp(u) }")
    text = '<ir_version: 10, opset_import: ["" : 21]> net (float[1] x, bool c) => (float[1] y) { y = Abs(x) }'
    model = parser.parse_model(text)
    reading.load(model)
    model.graph.node.append(helper.make_node("If", ["c"], ["k"], then_branch=body, else_branch=body))
    with pytest.raises(ModelError, match="has 6 operators, more than the 2 that can be planned"):
        reading.load(model)
