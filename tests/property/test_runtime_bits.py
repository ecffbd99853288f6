"""A canary: the rules for equal bits, held to the ONNX Runtime that is installed.

hmcos promises that a tiled model has the bits of its source. For floats that rests on how ONNX Runtime sums
and rounds: `Summation` and `Rounding` in graph/windows.py, and the kinds in frontends/onnx/operands.py.
Nothing obliges ONNX Runtime to keep to that.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import prod
from random import Random
from typing import Any

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from hmcos.frontends.loading import load
from hmcos.frontends.onnx.format import ONNX
from hmcos.frontends.onnx.operands import ELEMENT_WISE, ROUNDING
from hmcos.graph.windows import Summation
from hmcos.memory.target import load_target
from hmcos.transforms.cost import Costing
from hmcos.transforms.ordered_network import Rules, along
from hmcos.transforms.tile import TiledRegion
from property.tile_networks import SPELLING, session_of, values, written

VERSION: str = onnxruntime.__version__  # pyright: ignore
BROKEN = (
    f"ONNX Runtime {VERSION} on this processor rounds a tile otherwise than the whole, where hmcos says that "
    "it does not: tilings with this runtime may change the last bits of results, and hmcos promises equal "
    "ones. Find out how it sums now, and change Summation (graph/windows.py) or ROUNDING "
    "(frontends/onnx/operands.py): "
)
OUTPUTS = (1, 1, 2, 3, 17, 40)
PRODUCTS = (1, 2, 9, 64, 127, 128, 129, 200, 256, 257, 400, 512, 513, 700, 1024, 1025, 1200)
SIDES = (1, 2, 3, 4, 5, 6, 8, 9, 13, 16, 20)
KERNELS = ((1, 1), (1, 1), (3, 3), (1, 3), (2, 2), (5, 1))
GRIDS = ((2, 1), (1, 2), (2, 2), (1, 3), (4, 1), (3, 2), (1, 5), (7, 1))
# fmt: off
BINARY = frozenset(
    ("Add", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Mean", "Min", "Mod",
     "Mul", "PRelu", "Pow", "Sub", "Sum")
)
SKIPPED = frozenset(
    ("And", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "CastLike", "Identity", "Not",
     "Or", "Swish", "Where", "Xor")
)
"""Kinds that do not read floats alone, that are never cut, or that the runtime does not have."""
# fmt: on


def one_operator(
    kind: str, size: tuple[int, ...], weights: list[Any], opset: int = 21, **attributes: Any
) -> ModelProto:
    """A model of one operator that reads an image and weights."""
    names = [f"w{i}" for i in range(len(weights))]
    reads = ["x", "x"] if kind in BINARY and not weights else ["x", *names]
    graph = helper.make_graph(
        [helper.make_node(kind, reads, ["y"], **attributes)],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, *size))],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(value, name) for name, value in zip(names, weights, strict=True)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def convolution(rng: Random, kind: str) -> ModelProto:
    """A convolution with many or few products, outputs and pixels."""
    kernel, groups, outputs = rng.choice(KERNELS), rng.choice((1, 1, 2, 3)), rng.choice(OUTPUTS)
    channels = -(-rng.choice(PRODUCTS) // (prod(kernel) if kind == "Conv" else 1))
    if rng.random() < 0.3:
        channels = 1
    side = rng.choice(SIDES)
    size = side + kernel[0] - 1, max(1, side + rng.randint(-2, 2)) + kernel[1] - 1
    dense = (channels, outputs) if kind == "ConvTranspose" else (outputs, channels)
    shape = dense[0] * groups, dense[1], *kernel
    data = np.random.default_rng(rng.randrange(2**32))
    weights = data.standard_normal(shape).astype(np.float32)
    bias = data.standard_normal(groups * outputs).astype(np.float32)
    rest: dict[str, Any] = {"group": groups, "strides": rng.choice(([1, 1], [1, 1], [2, 2]))}
    if rng.random() < 0.5:
        rest["pads"] = [(k - 1) // 2 for k in (*kernel, *kernel)]
    return one_operator(kind, (groups * channels, *size), [weights, bias], **rest)


def unlike(proto: ModelProto, seed: int, *, all_tiles: bool = False, tilings: int = 4) -> Iterator[str]:
    """Yield the tilings whose bits differ, and an empty text for those whose bits are equal.

    Only those are tried that the rules promise, or all of them.
    """
    model = load(proto)
    network = along(model.graph, ONNX.windows(model), Rules(load_target("default"), 1, SPELLING))
    costing = Costing(network)
    (right,) = values(model, ["y"], seed)
    for rows, columns in Random(seed).sample(GRIDS, tilings):
        if costing.pieces(0, 1, rows, columns) is None:
            continue
        if all_tiles or costing.keeps_bits(0, 1, rows, columns):
            _, tiled = written(network, model, [TiledRegion(0, 1, rows, columns)])
            (found,) = values(tiled, ["y"], seed)
            equal = np.array_equal(right, found, equal_nan=right.dtype.kind == "f")
            shapes = [
                network.graph.tensors[t].shape
                for t in (*network.operator(0).reads, *network.operator(0).makes)
            ]
            yield "" if equal else f"{model.graph.operators[0].kind} {shapes} in {rows} x {columns} tiles"


@pytest.mark.parametrize("kind", ["Conv", "ConvTranspose"])
@pytest.mark.parametrize("part", range(2))
def test_float_convolutions_sum_as_the_rule_says(kind: str, part: int) -> None:
    tried = [
        found
        for seed in range(60)
        for found in unlike(convolution(Random(f"{kind} {part} {seed}"), kind), seed)
    ]
    assert len(tried) > 50
    assert not any(tried), BROKEN + "; ".join(filter(None, tried))


@pytest.mark.parametrize("side", [1, 2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("outputs", [1, 2, 3, 4])
def test_convolutions_of_each_channel_sum_as_the_rule_says(side: int, outputs: int) -> None:
    data = np.random.default_rng(side)
    weights = data.standard_normal((3 * outputs, 1, side, side)).astype(np.float32)
    for stride in (1, 2, 3):
        for pad in {0, side // 2, max(0, side - 1)}:
            rest: dict[str, Any] = {"group": 3, "strides": [stride] * 2, "pads": [pad] * 4}
            proto = one_operator("Conv", (3, 40, 41), [weights], **rest)
            tried = list(unlike(proto, side))
            assert not any(tried), BROKEN + "; ".join(filter(None, tried))


def sums(kind: str, products: int, widths: tuple[int, ...]) -> list[Any]:
    """What comes out of a convolution without a window for images of one row that begin alike."""
    data = np.random.default_rng(products)
    x = data.standard_normal((1, products, 1, max(widths))).astype(np.float32)
    weights = data.standard_normal((products, products)).astype(np.float32)[:5]
    weights = weights.T if kind == "ConvTranspose" else weights
    proto = one_operator(kind, (products, 1, max(widths)), [weights[:, :, None, None]])
    proto.graph.input[0].type.tensor_type.shape.dim[3].Clear()
    session = session_of(proto)
    return [session.run(None, {"x": x[..., :width]})[0] for width in widths]


@pytest.mark.parametrize("kind", ["Conv", "ConvTranspose"])
@pytest.mark.parametrize("products", [128, 129, 256, 257, 512, 513, 1024, 1030, 2100])
def test_the_blocks_end_where_the_rule_says(kind: str, products: int) -> None:
    widths = (1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 66, 130, 300)
    made, broken = sums(kind, products, widths), list[str]()
    for i, j in combinations(range(len(widths)), 2):
        is_kept = Summation(products, 5).is_kept((1, widths[i]), (1, widths[j]))
        if is_kept and not np.array_equal(made[i], made[j][..., : widths[i]]):
            broken.append(f"{kind} of {products} products and {widths[i]} of {widths[j]} pixels")
    assert not broken, BROKEN + "; ".join(broken)


@pytest.mark.parametrize("kind", ["Conv", "ConvTranspose"])
def test_there_would_be_a_difference_without_the_rule(kind: str) -> None:
    tried = (
        found
        for seed in range(60)
        for found in unlike(convolution(Random(f"{kind} 0 {seed}"), kind), seed, all_tiles=True)
    )
    assert any(tried), (
        f"ONNX Runtime {VERSION} on this processor rounds every tile as the whole: the canary above cannot "
        "tell whether the rule holds, and the rule may not be needed any longer"
    )


@pytest.mark.parametrize("kind", sorted(ELEMENT_WISE - ROUNDING - SKIPPED))
def test_functions_round_alike_at_every_place(kind: str) -> None:
    attributes = {"to": TensorProto.INT8} if kind == "Cast" else {"fmod": 1} if kind == "Mod" else {}
    tried: list[str] = []
    for seed, size in enumerate([(1, 7, 9), (2, 13, 17)]):
        tried += unlike(one_operator(kind, size, [], **attributes), seed)
    assert len(tried) == 8
    assert not any(tried), BROKEN + "; ".join(filter(None, tried))


def test_squares_round_alike_at_every_place() -> None:
    proto = one_operator("Pow", (2, 13, 17), [np.array(2, np.float32)])
    tried = [found for seed in range(6) for found in unlike(proto, seed)]
    assert len(tried) == 24
    assert not any(tried), BROKEN + "; ".join(filter(None, tried))


@pytest.mark.parametrize("outputs", [1, 2, 17, 64])
def test_products_of_quantized_weights_sum_alike_where_they_are_cut(outputs: int) -> None:
    data, tried = np.random.default_rng(outputs), list[str]()
    for seed, (height, width, channels) in enumerate([(6, 4, 24), (3, 2, 300), (7, 5, 129), (4, 1, 65)]):
        weights = data.integers(-127, 128, (channels, outputs)).astype(np.int8)
        proto = one_operator("MatMul", (height, width, channels), [weights])
        proto.graph.initializer.append(numpy_helper.from_array(np.array(0.01, np.float32), "scale"))
        proto.graph.node.insert(0, helper.make_node("DequantizeLinear", ["w0", "scale"], ["weights"]))
        proto.graph.node[1].input[1] = "weights"
        tried += unlike(proto, seed, tilings=len(GRIDS))
    assert len(tried) > 5 or outputs == 1
    assert not any(tried), BROKEN + "; ".join(filter(None, tried))


def test_the_blocks_of_a_sum_grow_as_the_pixels_get_fewer() -> None:
    rule = Summation(products=300, channels=8)
    assert rule.is_kept((8, 9), (30, 30))
    assert not rule.is_kept((8, 8), (30, 30))
    assert Summation(128, 8).is_kept((1, 2), (30, 30))
    assert Summation(256, 8).is_kept((3, 11), (8, 8))
    assert not Summation(257, 8).is_kept((3, 11), (9, 9))
    assert Summation(512, 8).is_kept((3, 6), (8, 4))
    assert not Summation(512, 8).is_kept((3, 6), (8, 9))
    assert Summation(5000, 8).is_kept((2, 2), (4, 4))
    assert not Summation(5000, 8).is_kept((1, 1), (4, 4))
    assert Summation(9, 1).is_kept((1, 2), (4, 4))
    assert not Summation(9, 1).is_kept((4, 1), (4, 4))
    assert Summation(9, 1, by_input=True).is_kept((4, 1), (4, 4))
