"""Kinds of which onnx has no inference: those of its first operator sets."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from onnx import TensorProto, ValueInfoProto, defs, helper

from hmcos.errors import SizeError
from hmcos.frontends.onnx import load
from hmcos.graph.kinds import STANDARD_DOMAINS
from onnx_models import graph, model, node, value, weight

SHAPES: Mapping[str, list[int]] = {
    "x": [2, 8, 6, 6],
    "z": [2, 3, 6, 6],
    "b": [8],
    "g": [2],
    "m": [4, 3],
    "n": [4, 5],
    "s": [5, 2, 3],
    "w": [2, 12, 3],
    "r": [2, 12, 4],
}
ALL = (2, 8, 6, 6)
CASES: list[tuple[str, str, dict[str, object], list[tuple[int, ...]]]] = [
    *((kind, "x", {}, [ALL]) for kind in ("Relu", "Log", "Clip", "Sigmoid", "Tanh", "HardSigmoid", "Selu")),
    *((kind, "x b", {"broadcast": 1, "axis": 1}, [ALL]) for kind in ("Add", "Sub", "Mul", "Div", "PRelu")),
    *((kind, "x x", {}, [ALL]) for kind in ("Sum", "Mean", "Max", "Min")),
    ("Cast", "x", {"to": "FLOAT"}, [ALL]),
    ("Dropout", "x", {}, [ALL, ALL]),
    ("InstanceNormalization", "x b b", {}, [ALL]),
    ("BatchNormalization", "x b b b b", {}, [ALL, (8,), (8,), (8,), (8,)]),
    ("Concat", "x z", {}, [(2, 11, 6, 6)]),
    ("Split", "x", {"axis": 1, "split": [3, 5]}, [(2, 3, 6, 6), (2, 5, 6, 6)]),
    ("Split", "x", {"axis": 1}, [(2, 4, 6, 6), (2, 4, 6, 6)]),
    ("Split", "x three", {"axis": 1}, [(2, 3, 6, 6), (2, 5, 6, 6)]),
    ("Pad", "x", {"paddings": [0, 0, 1, 1, 0, 0, 2, 3]}, [(2, 8, 9, 10)]),
    ("Reshape", "x", {"shape": [0, 4, -1]}, [(2, 4, 72)]),
    ("Upsample", "x", {"height_scale": 2.0, "width_scale": 1.5}, [(2, 8, 12, 9)]),
    ("Gemm", "m n b", {"transA": 1, "broadcast": 1}, [(3, 5)]),
    ("LpPool", "x", {"kernel_shape": [2, 2], "strides": [2, 2]}, [(2, 8, 3, 3)]),
    ("GlobalLpPool", "x", {}, [(2, 8, 1, 1)]),
    ("GRU", "s w r", {"hidden_size": 4, "direction": "bidirectional"}, [(5, 2, 2, 4), (2, 2, 4)]),
]


def made(
    kind: str, reads: str, attributes: dict[str, object], opset: int, outputs: int = 1
) -> list[tuple[int, ...]]:
    names = [f"y{number}" for number in range(outputs)]
    inputs = [value(name, SHAPES[name]) for name in dict.fromkeys(reads.split()) if name in SHAPES]
    results = [ValueInfoProto(name=name) for name in names]
    weights = [weight("three", [3.0, 5.0])] if "three" in reads else []
    nodes = [node(kind, reads, " ".join(names), **attributes)]
    found = load(model(graph(nodes, inputs, results, weights), opset)).graph
    return [found.tensors[t].shape for t in found.outputs]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[2] or ''}")
def test_the_first_operator_set(case: tuple[str, str, dict[str, object], list[tuple[int, ...]]]) -> None:
    kind, reads, attributes, shapes = case
    assert made(kind, reads, attributes, 1, len(shapes)) == shapes


@pytest.mark.parametrize(("opset", "scale"), [(18, "g"), (21, "b")])
def test_group_normalization(opset: int, scale: str) -> None:
    assert made("GroupNormalization", f"x {scale} {scale}", {"num_groups": 2}, opset) == [ALL]


def test_a_cast_changes_the_element_type() -> None:
    single = graph([node("Cast", "x", "y", to="FLOAT16")], [value("x", [3])], [ValueInfoProto(name="y")])
    assert load(model(single, 1)).graph.tensors[-1].element == "float16"


WRONG: list[tuple[str, str, dict[str, object]]] = [
    ("Cast", "x", {"to": "FLOAT17"}),
    ("Concat", "x b", {}),
    ("Concat", "x x", {"axis": 4}),
    ("Split", "x", {"axis": 9}),
    ("Pad", "x", {"paddings": [1]}),
    ("Reshape", "x", {"shape": [7, -1]}),
    ("Reshape", "x", {"shape": [-1, -1]}),
    ("Reshape", "b", {"shape": [8, 0]}),
    ("Upsample", "m", {"height_scale": 2.0, "width_scale": 2.0}),
    ("Upsample", "x", {"height_scale": float("nan"), "width_scale": 2.0}),
    ("Upsample", "x", {"height_scale": -1.0, "width_scale": 2.0}),
    ("Pad", "x", {"paddings": [0, 0, 0, 0, 0, 0, 0, -9]}),
    ("Gemm", "x n b", {}),
    ("GRU", "m w r", {"hidden_size": 4}),
]


@pytest.mark.parametrize("case", WRONG, ids=str)
def test_what_does_not_fit_is_unknown(case: tuple[str, str, dict[str, object]]) -> None:
    with pytest.raises(SizeError, match="sizes are unknown"):
        made(*case, 1)


def test_every_standard_kind_without_inference_has_a_rule() -> None:
    import hmcos.frontends.onnx.uninferred_kinds as module  # noqa: PLC0415

    without = {
        schema.name
        for schema in defs.get_all_schemas_with_history()
        if schema.domain in STANDARD_DOMAINS
        and not schema.deprecated
        and not schema.has_type_and_shape_inference_function
    }
    # The size of Compress depends on data; the others are functions, which onnx infers node by node.
    elsewhere = {"Compress", "GreaterOrEqual", "LessOrEqual", "MeanVarianceNormalization"}
    assert without - elsewhere <= set(vars(module)["_RULES"])


@pytest.mark.parametrize(
    "kind",
    [
        *("Concat", "Pad", "Reshape", "Slice", "ReduceSum", "ai.onnx.contrib::StringJoin"),
        *("com.microsoft::QAttention", "com.microsoft::NhwcConv", "ai.onnx.ml::FeatureVectorizer"),
    ],
)
def test_a_sequence_where_a_tensor_is_expected_is_unknown(kind: str) -> None:
    nodes = [node("SequenceConstruct", "x x", "s"), node(kind, "s x x", "y")]
    made = graph(nodes, [value("x", SHAPES["x"])], [ValueInfoProto(name="y")])
    with pytest.raises(SizeError, match="sizes are unknown: 'y'"):
        load(model(made, 1, {"ai.onnx.contrib": 1, "com.microsoft": 1, "ai.onnx.ml": 3}))


@pytest.mark.parametrize("kind", ["ai.onnx.ml::DictVectorizer", "RegexFullMatch"])
def test_an_input_without_a_type_does_not_crash_the_process(kind: str) -> None:
    """onnx 1.23 dereferences the type that is missing."""
    made = graph([node("custom::Make", "x", "u"), node(kind, "u", "y")], [value("x", [2])], [value("y", [2])])
    domains = {"custom": 1, "ai.onnx.ml": 3}
    with pytest.raises(SizeError, match="sizes are unknown: 'u'"):
        load(model(made, 20, domains))
    made.ClearField("output")
    made.output.append(ValueInfoProto(name="y"))
    made.value_info.append(value("u", [2, 3], TensorProto.STRING))
    if kind == "RegexFullMatch":
        made.node[1].attribute.append(helper.make_attribute("pattern", "a*"))
        found = load(model(made, 20, domains)).graph
        assert (found.tensors[-1].shape, found.tensors[-1].element) == ((2, 3), "bool")
