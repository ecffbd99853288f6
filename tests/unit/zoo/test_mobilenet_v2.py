"""MobileNetV2 is the one of torchvision: operators, parameters, shapes and peak, also in integers."""

import importlib
from collections import Counter
from math import prod
from typing import Any

import pytest
from onnx import ModelProto, TensorProto

from hmcos.errors import OptionError
from hmcos.frontends.loading import load
from hmcos.limits import Limits, Watch
from hmcos.memory.sharing import lower
from hmcos.memory.target import load_target
from hmcos.schedulers.scheduler_table import scheduler
from hmcos.zoo.catalogue import build
from hmcos.zoo.mobilenet_v2 import MobileNetV2

checker: Any = importlib.import_module("onnx.checker")

FLOAT = {"Conv": 52, "Clip": 35, "Add": 10, "GlobalAveragePool": 1, "Flatten": 1, "Gemm": 1}
SMALL: dict[str, Any] = {"width": 0.35, "resolution": 32, "classes": 10}


def _kinds(model: ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def _shapes(model: ModelProto) -> dict[str, list[int]]:
    values = (*model.graph.value_info, *model.graph.output)
    return {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}


def _parameters(model: ModelProto, *roles: str) -> int:
    found = (w for w in model.graph.initializer if w.name.rpartition("/")[2] in roles)
    return sum(prod(w.dims) for w in found)


@pytest.mark.parametrize(("width", "parameters"), [(1.0, 3_504_872), (0.35, 1_677_128), (1.4, 6_108_776)])
def test_parameters_are_those_of_torchvision(width: float, parameters: int) -> None:
    model = build("mobilenet-v2", width=width, resolution=32, fold_batch_norm=False)
    assert _kinds(model) == FLOAT | {"BatchNormalization": 52}
    assert _parameters(model, "weight", "bias", "scale") == parameters


def test_batch_normalisation_is_folded_into_biases() -> None:
    model = build("mobilenet-v2")
    assert _kinds(model) == FLOAT
    # Of torchvision's parameters, two for each of 17,056 normalised channels became one bias.
    assert _parameters(model, "weight", "bias") == 3_504_872 - 17_056


@pytest.mark.parametrize("target", ["default", "hmcos", "onnxruntime"])
def test_peak_is_known_and_of_any_order(target: str) -> None:
    problem = lower(load(build("mobilenet-v2")).graph, load_target(target)).problem
    given, optimal = (scheduler(name)(problem, Limits(), Watch()) for name in ("given", "optimal"))
    # 96 channels of 112x112 pixels and of 56x56 pixels, around the first convolution of stride 2 within.
    assert given.peak == optimal.peak == 4 * 96 * (112 * 112 + 56 * 56) == 6_021_120
    assert optimal.lower_bound == optimal.peak


@pytest.mark.parametrize(
    ("parameters", "stem", "first", "last", "pixels"),
    [
        ({}, 32, 96, 1280, 7),
        ({"width": 0.35, "resolution": 96}, 16, 48, 1280, 3),
        ({"width": 1.4, "resolution": 97}, 48, 144, 1792, 4),
        ({"width": 0.01, "resolution": 1, "batch": 3}, 8, 48, 1280, 1),
    ],
)
@pytest.mark.parametrize("int8", [False, True])
def test_shapes(
    parameters: dict[str, Any], stem: int, first: int, last: int, pixels: int, int8: bool
) -> None:
    model = build("mobilenet-v2", int8=int8, **parameters)
    checker.check_model(model, full_check=True)
    shapes, batch = _shapes(model), parameters.get("batch", 1)
    half = -(-parameters.get("resolution", 224) // 2)
    assert shapes["conv2d"] == [batch, stem, half, half]
    assert shapes["conv2d_2"] == [batch, first, half, half]
    assert shapes["conv2d_34"] == [batch, last, pixels, pixels]
    assert shapes[model.graph.output[0].name] == [batch, 1000]


def test_windows_are_padded_on_both_sides() -> None:
    for node in build("mobilenet-v2", **SMALL).graph.node:
        found = {attribute.name: list(attribute.ints) for attribute in node.attribute}
        if node.op_type == "Conv":
            assert found["pads"] == ([1] * 4 if found["kernel_shape"] == [3, 3] else [0] * 4)


def test_quantized_operators_read_and_make_integers() -> None:
    model = build("mobilenet-v2", int8=True, **SMALL)
    kinds = {kind: many for kind, many in FLOAT.items() if kind != "Clip"}
    assert _kinds(model) == kinds | {"QuantizeLinear": 66, "DequantizeLinear": 66 + 2 * 53}
    makers = {node.output[0]: node.op_type for node in model.graph.node}
    for node in model.graph.node:
        if node.op_type in kinds:
            assert {makers[name] for name in node.input} == {"DequantizeLinear"}
            assert [n.op_type for n in model.graph.node if node.output[0] in n.input] == ["QuantizeLinear"]


def test_quantized_weights_have_a_scale_for_each_channel() -> None:
    model = build("mobilenet-v2", int8=True, **SMALL)
    constants = {w.name: w for w in model.graph.initializer}
    for name in ("conv2d", "depthwise_conv2d_3", "dense"):
        values, bias = constants[f"{name}/weight/quantized"], constants[f"{name}/bias/quantized"]
        assert (values.data_type, bias.data_type) == (TensorProto.INT8, TensorProto.INT32)
        assert list(constants[f"{name}/weight/scale"].dims) == [values.dims[0]] == list(bias.dims)
        assert len(set(constants[f"{name}/weight/scale"].raw_data)) > 2


@pytest.mark.parametrize("int8", [False, True])
def test_the_same_seed_gives_the_same_bytes(int8: bool) -> None:
    first, again, other = (
        MobileNetV2(seed=seed, int8=int8, **SMALL).build().SerializeToString(deterministic=True)
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_channels_last_are_transposed_first() -> None:
    for int8 in (False, True):
        model = build("mobilenet-v2", layout="nhwc", int8=int8, **SMALL)
        checker.check_model(model, full_check=True)
        assert model.graph.node[0].op_type == "Transpose"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"width": 0}, "zoo: width is 0: it must be a number above 0, at most 1000"),
        ({"width": "x"}, "zoo: width is 'x': it must be a number above 0"),
        ({"width": True}, "zoo: width is True: it must be a number above 0"),
        ({"width": float("nan")}, "zoo: width is nan: it must be a number above 0"),
        ({"width": 10**400}, "zoo: width is 1000"),
        ({"width": 900.0}, "zoo: the network has over 2 GB of weights"),
        ({"width": 900.0, "int8": True}, "zoo: the network has over 2 GB of weights"),
        ({"resolution": 0}, "zoo: resolution is 0: it must be a whole number, at least 1"),
        ({"resolution": 2**31}, "zoo: resolution is 2147483648: it must be at most 2147483647"),
        ({"batch": 1.5}, "zoo: batch is 1.5: it must be a whole number, at least 1"),
        ({"classes": -1}, "zoo: classes is -1: it must be a whole number, at least 1"),
        ({"int8": 1}, "zoo: int8 is 1: it must be True or False"),
        ({"layout": "chwn"}, "zoo: layout is 'chwn': it must be nchw or nhwc"),
        ({"seed": -1}, "zoo: seed is -1: it must be a whole number, at least 0"),
        ({"int8": True, "fold_batch_norm": False}, "zoo: int8 needs batch normalisation folded"),
    ],
)
def test_parameters_out_of_range(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as error:
        build("mobilenet-v2", **parameters)
    assert str(error.value).startswith(message)
