"""Every layer's shape is what ONNX itself infers, and its numbers are what the names promise."""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hmcos.zoo.layers import Layers
from hmcos.zoo.network import INPUT, NetworkBuilder
from hmcos.zoo.weights import Weights

Floats = NDArray[np.float32]
checker: Any = importlib.import_module("onnx.checker")
runtime: Any = importlib.import_module("onnxruntime")


def _layers(size: int = 5, channels: int = 4, fold: bool = True) -> Layers:
    return Layers(NetworkBuilder("small", (1, channels, size, size)), Weights(0), fold)


def _run(layers: Layers) -> tuple[Floats, Floats]:
    """Return a random image and what the layers make of it; the checker has seen all shapes."""
    model = layers.network.model()
    checker.check_model(model, full_check=True)
    image = np.random.default_rng(0).standard_normal(layers.network.shape(INPUT)).astype(np.float32)
    session = runtime.InferenceSession(model.SerializeToString())
    return image, session.run(None, {"image": image})[0]


def _kinds(layers: Layers) -> list[str]:
    return [node.op_type for node in layers.network.model().graph.node]


@pytest.mark.parametrize("size", [4, 5, 7, 8])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
def test_windows_fit_as_many_as_strides(size: int, stride: int, kernel: int) -> None:
    layers = _layers(size)
    layers.separable_conv(layers.max_pool(INPUT, kernel, stride), 6, kernel, stride)
    _, made = _run(layers)
    half = -(-size // stride)
    assert made.shape == (1, 6, -(-half // stride), -(-half // stride))


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "pads"),
    [(3, 1, 1, [1, 1, 1, 1]), (3, 2, 1, [0, 0, 1, 1]), (5, 2, 1, [1, 1, 2, 2]), (3, 1, 2, [2, 2, 2, 2])],
)
def test_odd_padding_goes_to_the_end(kernel: int, stride: int, dilation: int, pads: list[int]) -> None:
    layers = _layers(size=8)
    layers.separable_conv(INPUT, 4, kernel, stride, dilation)
    node = layers.network.model().graph.node[0]
    found = {attribute.name: list(attribute.ints) for attribute in node.attribute}
    assert found["pads"] == pads
    assert found["dilations"] == [dilation, dilation]
    assert found["strides"] == [stride, stride]


MADE: dict[str, tuple[Callable[[Layers], int], Callable[[Floats], Floats]]] = {
    "relu": (lambda layers: layers.relu(INPUT), lambda x: np.maximum(x, 0)),
    "add": (lambda layers: layers.add(INPUT, INPUT), lambda x: x + x),
    "average_pool": (lambda layers: layers.average_pool(INPUT, 1, 2), lambda x: x[..., ::2, ::2]),
    "concat": (lambda layers: layers.concat((INPUT, INPUT)), lambda x: np.concatenate([x, x], axis=1)),
    "variadic": (lambda layers: layers.variadic("Sum", (INPUT,) * 3), lambda x: x + x + x),
    "mean": (
        lambda layers: layers.mean((INPUT, layers.relu(INPUT))),
        lambda x: (x + np.maximum(x, 0)) / np.float32(2),
    ),
}


@pytest.mark.parametrize("name", MADE)
def test_numbers(name: str) -> None:
    make, expected = MADE[name]
    layers = _layers()
    make(layers)
    image, made = _run(layers)
    np.testing.assert_allclose(made, expected(image), rtol=1e-6)


def test_shift_moves_the_image_by_a_pixel() -> None:
    layers = _layers()
    layers.shift(INPUT)
    image, made = _run(layers)
    np.testing.assert_array_equal(made[..., :-1, :-1], image[..., 1:, 1:])
    assert not made[..., -1, :].any()
    assert not made[..., -1].any()


def test_average_does_not_count_padding() -> None:
    layers = _layers(channels=1)
    layers.average_pool(INPUT, 3, 1)
    image, made = _run(layers)
    assert made[0, 0, 0, 0] == pytest.approx(image[0, 0, :2, :2].mean(), rel=1e-5)


def test_weighted_sum_is_linear_in_its_parts() -> None:
    layers = _layers()
    layers.weighted_sum((INPUT, layers.relu(INPUT)))
    image, made = _run(layers)
    weight = next(w for w in layers.network.model().graph.initializer if w.name.endswith("/weight"))
    first, second = np.frombuffer(weight.raw_data, dtype="<f4")
    np.testing.assert_allclose(made, first * image + second * np.maximum(image, 0), rtol=1e-5)


def test_a_part_of_two_sums_is_expanded_once() -> None:
    layers = _layers()
    other = layers.relu(INPUT)
    layers.add(layers.weighted_sum((INPUT, other)), layers.weighted_sum((other, INPUT)))
    assert _kinds(layers).count("Unsqueeze") == 2


@pytest.mark.parametrize("fold", [True, False])
def test_batch_norm_is_folded_or_kept(fold: bool) -> None:
    layers = _layers(fold=fold)
    layers.separable_conv(layers.conv(INPUT, 6, (1, 7), 2), 6, 3, dilation=2)
    assert _kinds(layers).count("BatchNormalization") == (0 if fold else 2)
    assert _run(layers)[1].shape == (1, 6, 3, 3)


def test_scores() -> None:
    layers = _layers()
    layers.classify(layers.plain_conv(INPUT, 8), 10)
    assert _kinds(layers) == ["Conv", "GlobalAveragePool", "Squeeze", "MatMul"]
    assert _run(layers)[1].shape == (1, 10)
