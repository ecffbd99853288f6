"""Operators of ONNX Runtime and of machine learning: ONNX Runtime says whether the rules are right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, ValueInfoProto, helper, numpy_helper

from hmcos.frontends.onnx import load
from hmcos.graph.graph import Tensor
from onnx_models import graph, model, node

onnxruntime = pytest.importorskip("onnxruntime")

DRAW = np.random.default_rng(3)
Given = Mapping[str, Any]


def floats(*shape: int) -> Any:
    return DRAW.standard_normal(shape).astype(np.float32)


def bytes_(*shape: int) -> Any:
    return DRAW.integers(0, 200, shape).astype(np.uint8)


SCALE, ZERO = np.float32(0.1), np.uint8(120)
QUANTIZED = {"x": bytes_(1, 4, 6, 6), "s": SCALE, "z": ZERO}
PAIR = {**QUANTIZED, "w": bytes_(1, 4, 1, 6)}
LENGTHS = {"k": np.array([4, 4], np.int32), "t": np.array(5, np.int32)}
RUNTIME: dict[str, tuple[str, str, Given, dict[str, Any]]] = {
    "QLinearAdd": ("x s z w s z s z", "y", PAIR, {}),
    "QLinearMul": ("x s z w s z s z", "y", PAIR, {}),
    "QLinearSigmoid": ("x s z s z", "y", QUANTIZED, {}),
    "QLinearLeakyRelu": ("x s z s z", "y", QUANTIZED, {"alpha": 0.1}),
    "QLinearSoftmax": ("x s z s z", "y", QUANTIZED, {"axis": 1, "opset": 13}),
    "QLinearConcat": ("s z x s z w s z", "y", PAIR | {"w": bytes_(1, 4, 3, 6)}, {"axis": 2}),
    "QLinearAveragePool": ("x s z s z", "y", QUANTIZED, {"kernel_shape": [3, 3], "strides": [2, 2]}),
    "QLinearGlobalAveragePool": ("x s z s z", "y", QUANTIZED, {"channels_last": 0}),
    "QLinearGlobalAveragePool of channels last": ("x s z s z", "y", QUANTIZED, {"channels_last": 1}),
    "QLinearWhere": ("c x s z w s z s z", "y", PAIR | {"c": np.ones((1, 1, 6, 6), np.bool_)}, {}),
    "DynamicQuantizeMatMul": (
        "x w s z",
        "y",
        {"x": floats(2, 3, 8), "w": bytes_(8, 5), "s": SCALE, "z": ZERO},
        {},
    ),
    "MatMulIntegerToFloat": (
        "x w s s z z",
        "y",
        {"x": bytes_(3, 8), "w": bytes_(8, 5), "s": SCALE, "z": ZERO},
        {},
    ),
    "MatMulInteger16": ("x w", "y", {"x": np.ones((3, 8), np.int16), "w": np.ones((8, 5), np.int16)}, {}),
    "QGemm": (
        "x s z w s z _ s z",
        "y",
        {"x": bytes_(3, 8), "w": bytes_(5, 8), "s": SCALE, "z": ZERO},
        {"transB": 1},
    ),
    "QGemm to floats": (
        "x s z w s z",
        "y",
        {"x": bytes_(3, 8), "w": bytes_(8, 5), "s": SCALE, "z": ZERO},
        {},
    ),
    "FusedMatMul": ("x w", "y", {"x": floats(2, 8, 3), "w": floats(2, 5, 8)}, {"transA": 1, "transB": 1}),
    "FusedGemm": ("x w", "y", {"x": floats(3, 8), "w": floats(5, 8)}, {"transB": 1, "activation": "Relu"}),
    "FusedConv": (
        "x w",
        "y",
        {"x": floats(1, 4, 8, 8), "w": floats(6, 4, 3, 3)},
        {"strides": [2, 2], "activation": "Relu"},
    ),
    "Gelu": ("x", "y", {"x": floats(2, 5)}, {}),
    "FastGelu": ("x b", "y", {"x": floats(2, 5), "b": floats(5)}, {}),
    "QuickGelu": ("x", "y", {"x": floats(2, 5)}, {}),
    "BiasGelu": ("x b", "y", {"x": floats(2, 5), "b": floats(5)}, {}),
    "SkipLayerNormalization": (
        "x w b b",
        "y",
        {"x": floats(2, 3, 8), "w": floats(2, 3, 8), "b": floats(8)},
        {},
    ),
    "SkipLayerNormalization with the sum": (
        "x w b b",
        "y _ _ u",
        {"x": floats(2, 3, 8), "w": floats(2, 3, 8), "b": floats(8)},
        {},
    ),
    "SkipSimplifiedLayerNormalization": (
        "x w b",
        "y _ _ u",
        {"x": floats(2, 3, 8), "w": floats(2, 3, 8), "b": floats(8)},
        {},
    ),
    "EmbedLayerNormalization": (
        "i _ w p _ g g",
        "y m",
        {"i": np.ones((2, 3), np.int32), "w": floats(9, 8), "p": floats(7, 8), "g": floats(8)},
        {},
    ),
    "Attention": (
        "x w b",
        "y",
        {"x": floats(2, 3, 8), "w": floats(8, 24), "b": floats(24)},
        {"num_heads": 2},
    ),
    "Attention with past": (
        "x w b _ p",
        "y q",
        {"x": floats(2, 3, 8), "w": floats(8, 24), "b": floats(24), "p": floats(2, 2, 2, 5, 4)},
        {"num_heads": 2},
    ),
    "QAttention": (
        "x w b s s _ z z",
        "y",
        {"x": bytes_(2, 3, 8), "w": bytes_(8, 24), "b": floats(24), "s": SCALE, "z": ZERO},
        {"num_heads": 2},
    ),
    "MultiHeadAttention": (
        "x w v",
        "y",
        {"x": floats(2, 3, 8), "w": floats(2, 5, 8), "v": floats(2, 5, 12)},
        {"num_heads": 2},
    ),
    "MultiHeadAttention with past": (
        "x w v _ _ _ p p",
        "y k u",
        {"x": floats(2, 3, 8), "w": floats(2, 3, 8), "v": floats(2, 3, 8), "p": floats(2, 2, 6, 4)},
        {"num_heads": 2},
    ),
    "GroupQueryAttention": (
        "x w v p p k t",
        "y a b",
        {
            "x": floats(2, 1, 32),
            "w": floats(2, 1, 16),
            "v": floats(2, 1, 16),
            "p": floats(2, 2, 4, 8),
            **LENGTHS,
        },
        {"num_heads": 4, "kv_num_heads": 2},
    ),
    "MatMulNBits": (
        "x w s",
        "y",
        {"x": floats(2, 3, 32), "w": bytes_(5, 1, 16), "s": floats(5, 1)},
        {"K": 32, "N": 5, "bits": 4, "block_size": 32},
    ),
    "RotaryEmbedding": (
        "x i c c",
        "y",
        {"x": floats(1, 3, 8), "i": np.arange(3, dtype=np.int64)[None], "c": floats(9, 2)},
        {"num_heads": 2},
    ),
    "QuantizeLinear": ("x s z", "y", {"x": floats(2, 5), "s": SCALE, "z": np.uint16(4)}, {}),
    "DequantizeLinear": ("x s z", "y", {"x": np.ones((2, 5), np.uint16), "s": SCALE, "z": np.uint16(4)}, {}),
}
ROWS = {"x": floats(3, 4)}
TREE: dict[str, Any] = {
    "nodes_treeids": [0, 0, 0],
    "nodes_nodeids": [0, 1, 2],
    "nodes_featureids": [0, 0, 0],
    "nodes_values": [0.0, 0.0, 0.0],
    "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
    "nodes_truenodeids": [1, 0, 0],
    "nodes_falsenodeids": [2, 0, 0],
}
LEAVES = {"treeids": [0, 0], "nodeids": [1, 2], "ids": [0, 1], "weights": [1.0, 2.0]}
LEARNED: dict[str, tuple[str, str, Given, dict[str, Any]]] = {
    "Scaler": ("x", "y", ROWS, {"offset": [0.0], "scale": [2.0]}),
    "Normalizer": ("x", "y", ROWS, {"norm": "L2"}),
    "Binarizer": ("x", "y", ROWS, {"threshold": 0.5}),
    "Imputer": ("x", "y", ROWS, {"imputed_value_floats": [1.0], "replaced_value_float": 0.0}),
    "FeatureVectorizer": ("x w", "y", {**ROWS, "w": floats(3, 2)}, {"inputdimensions": [4, 2]}),
    "ArrayFeatureExtractor": ("x i", "y", {**ROWS, "i": np.array([0, 2, 3], np.int64)}, {}),
    "LinearRegressor": ("x", "y", ROWS, {"coefficients": [1.0] * 8, "intercepts": [0.0] * 2, "targets": 2}),
    "LinearClassifier": (
        "x",
        "y p",
        ROWS,
        {"coefficients": [1.0] * 12, "intercepts": [0.0] * 3, "classlabels_ints": [4, 5, 6]},
    ),
    "LinearClassifier of two strings": (
        "x",
        "y p",
        ROWS,
        {"coefficients": [1.0] * 8, "intercepts": [0.0] * 2, "classlabels_strings": ["no", "yes"]},
    ),
    "TreeEnsembleRegressor": (
        "x",
        "y",
        ROWS,
        {**TREE, **{f"target_{k}": v for k, v in LEAVES.items()}, "n_targets": 2},
    ),
    "TreeEnsembleClassifier": (
        "x",
        "y p",
        ROWS,
        {**TREE, **{f"class_{k}": v for k, v in LEAVES.items()}, "classlabels_int64s": [7, 8]},
    ),
    "SVMRegressor": (
        "x",
        "y",
        ROWS,
        {
            "coefficients": [1.0, 2.0],
            "support_vectors": [1.0] * 8,
            "n_supports": 2,
            "rho": [0.5],
            "kernel_type": "RBF",
            "kernel_params": [0.1, 0.0, 0.0],
        },
    ),
    "LabelEncoder": (
        "x",
        "y",
        {"x": np.ones((2, 3), np.int64)},
        {"keys_int64s": [1], "values_floats": [2.0]},
    ),
    "OneHotEncoder": ("x", "y", {"x": np.ones((2, 3), np.int64)}, {"cats_int64s": [1, 2, 3], "zeros": 1}),
}


def built(kind: str, domain: str, case: tuple[str, str, Given, dict[str, Any]]) -> ModelProto:
    reads, makes, given, attributes = case
    made = node(f"{domain}::{kind.partition(' ')[0]}", reads, makes, **attributes)
    fixed = [numpy_helper.from_array(np.asarray(v), n) for n, v in given.items() if n not in ("x", "i")]
    inputs = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(given[n].dtype), given[n].shape)
        for n in ("x", "i")
        if n in given
    ]
    outputs = [ValueInfoProto(name=name) for name in makes.split() if name != "_"]
    source = model(graph([made], inputs, outputs, fixed), domains={"com.microsoft": 1, "ai.onnx.ml": 3})
    source.ir_version = 8
    return source


def ran(source: ModelProto, given: Given) -> dict[str, Any]:
    session = onnxruntime.InferenceSession(source.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_outputs()]
    fed = {value.name: given[value.name] for value in session.get_inputs()}
    return dict(zip(names, session.run(names, fed), strict=True))


def check(source: ModelProto, given: Given) -> None:
    counted = {tensor.name: tensor for tensor in load(source).graph.tensors}
    for name, value in ran(source, given).items():
        element = "string" if value.dtype.kind in "OUS" else value.dtype.name
        assert (counted[name].element, counted[name].shape) == (element, value.shape), name


@pytest.mark.parametrize("kind", RUNTIME)
def test_operators_of_the_runtime_make_what_it_makes(kind: str) -> None:
    check(built(kind, "com.microsoft", RUNTIME[kind]), RUNTIME[kind][2])


@pytest.mark.parametrize("kind", LEARNED)
def test_operators_of_machine_learning_make_what_the_runtime_makes(kind: str) -> None:
    check(built(kind, "ai.onnx.ml", LEARNED[kind]), LEARNED[kind][2])


def test_a_map_per_row_counts_its_keys_and_values() -> None:
    labels = {"coefficients": [1.0] * 8, "intercepts": [0.0] * 2, "classlabels_ints": [0, 1]}
    source = built("LinearClassifier", "ai.onnx.ml", ("x", "y p", ROWS, labels))
    source.graph.node.append(node("ai.onnx.ml::ZipMap", "p", "m", classlabels_int64s=[0, 1]))
    source.graph.output.append(ValueInfoProto(name="m"))
    counted = {tensor.name: tensor for tensor in load(source).graph.tensors}
    assert counted["m"] == Tensor("m", "sequence(int64,float32)", 96, (3, 2))
    assert [sorted(row) for row in ran(source, ROWS)["m"]] == [[0, 1]] * 3


def test_kinds_without_a_rule_take_what_the_file_says() -> None:
    made = model(
        graph(
            [node("com.microsoft::Unheard", "x", "y")],
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT16, [7])],
        ),
        domains={"com.microsoft": 1},
    )
    assert load(made).graph.tensors[1] == Tensor("y", "float16", 16, (7,))
