"""The layers of the bundled networks.

Images have the layout batch, channels, height, width, the only one of ONNX operators. The input of a network
may have its channels last, as in TensorFlow: `image` transposes it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import prod, sqrt

from hmcos.zoo.network import INPUT, INT64, Attribute, Layer, NetworkBuilder, Parameter, Shape
from hmcos.zoo.weights import Weights, repeated

_EPSILON = 0.001
"""The epsilon of batch normalisation: the default of Keras."""
BIAS = 0.1
"""The largest bias of a convolution."""
LAYOUTS = ("nchw", "nhwc")
"""Layouts of input images: channels first, or channels last as in TensorFlow."""


def image_shape(layout: str, batch: int, pixels: int) -> Shape:
    """Return the shape of square colour images in one of LAYOUTS."""
    return (batch, pixels, pixels, 3) if layout == "nhwc" else (batch, 3, pixels, pixels)


@dataclass(frozen=True, slots=True)
class KernelWindow:
    """The window of a convolution or a pool, with "same" padding: one window per stride, at the edges too."""

    kernel: tuple[int, int]
    stride: int = 1
    dilation: int = 1
    even_padding: bool = False
    """Whether both sides get half a kernel of padding, as in PyTorch's networks; for odd kernels only. At
    stride 2 and an even length, no window reaches the padding at the end."""

    def over(self, image: tuple[int, int]) -> tuple[tuple[int, int], dict[str, Attribute]]:
        """Return the image size of the result for an image size, and the attributes for ONNX."""
        result = -(-image[0] // self.stride), -(-image[1] // self.stride)
        begins: list[int] = []
        ends: list[int] = []
        for kernel, length, windows in zip(self.kernel, image, result, strict=True):
            reach = (windows - 1) * self.stride + (kernel - 1) * self.dilation + 1
            padding = max(reach - length, 0)
            begin = (kernel - 1) * self.dilation // 2 if self.even_padding else padding // 2
            begins.append(begin)
            ends.append(begin if self.even_padding else padding - begin)
        attributes: dict[str, Attribute] = {
            "kernel_shape": self.kernel,
            "pads": (*begins, *ends),
            "strides": (self.stride, self.stride),
        }
        return result, attributes


@dataclass(frozen=True, slots=True)
class Unit:
    """A convolution with a square kernel, its batch normalisation, and perhaps a ReLU6."""

    channels: int | None
    """Channels of the output; None means a depthwise convolution."""
    kernel: int = 1
    stride: int = 1
    gain: float = 1.0
    """1 over the mean square of the input; it makes the variance of the output 1, as after batch
    normalisation."""
    relu6: bool = True

    @property
    def window(self) -> KernelWindow:
        """Return the window of the convolution."""
        return KernelWindow((self.kernel, self.kernel), self.stride, even_padding=True)

    @property
    def family(self) -> str:
        """Return the name under which such layers are counted."""
        return "conv2d" if self.channels else "depthwise_conv2d"


@dataclass(frozen=True, slots=True)
class Convolution:
    """The shapes and attributes of a convolution."""

    weight: Shape
    result: Shape
    attributes: dict[str, Attribute]

    @classmethod
    def of(cls, shape: Shape, channels: int | None, window: KernelWindow) -> Convolution:
        """Return a convolution to a number of channels, or a depthwise convolution if that is None."""
        batch, entering, height, width = shape
        image, attributes = window.over((height, width))
        attributes["group"] = 1 if channels else entering
        attributes["dilations"] = (window.dilation, window.dilation)
        made = channels or entering
        weight = (made, entering if channels else 1, *window.kernel)
        return cls(weight, (batch, made, *image), attributes)

    def bound(self, gain: float) -> float:
        """Return the largest weight, if the output's variance is `gain` times the input's mean square."""
        return sqrt(3 * gain / prod(self.weight[1:]))


class Layers:
    """Adds layers to one network: each method returns the number of the layer that it adds."""

    def __init__(self, network: NetworkBuilder, weights: Weights, fold_batch_norm: bool) -> None:
        self.network = network
        self._weights = weights
        self._fold = fold_batch_norm

    def image(self, layout: str) -> int:
        """Return the input of the network with channels first: transposed if its layout is nhwc."""
        if layout == "nchw":
            return INPUT
        batch, height, width, channels = self.network.shape(INPUT)
        turned = Layer("Transpose", (INPUT,), (batch, channels, height, width), {"perm": (0, 3, 1, 2)}, ())
        return self.network.append(self.network.number("transpose"), turned)

    def relu(self, x: int) -> int:
        """Return max(x, 0)."""
        return self._once("re_lu", "Relu", (x,), self.network.shape(x))

    def add(self, x: int, y: int) -> int:
        """Return x + y, of equal shapes."""
        return self._once("add", "Add", (x, y), self.network.shape(x))

    def concat(self, parts: tuple[int, ...]) -> int:
        """Return the concatenation of all parts along the channels."""
        batch, _, *image = self.network.shape(parts[0])
        channels = sum(self.network.shape(x)[1] for x in parts)
        return self._once("concatenate", "Concat", parts, (batch, channels, *image), axis=1)

    def max_pool(self, x: int, kernel: int, stride: int) -> int:
        """Return the maximum of each window, with the "same" padding of Keras."""
        return self._pool("max_pooling2d", "MaxPool", x, kernel, stride)

    def average_pool(self, x: int, kernel: int, stride: int) -> int:
        """Return the mean of each window, not counting the padding."""
        return self._pool("average_pooling2d", "AveragePool", x, kernel, stride)

    def conv(self, x: int, channels: int, kernel: tuple[int, int] = (1, 1), stride: int = 1) -> int:
        """Return a convolution and its batch normalisation."""
        made = self._conv(
            self.network.number("conv2d"), x, channels, KernelWindow(kernel, stride), bias=self._fold
        )
        return made if self._fold else self.batch_norm(made)

    def plain_conv(self, x: int, channels: int) -> int:
        """Return a 1x1 convolution without bias and without batch normalisation."""
        return self._conv(self.network.number("conv2d"), x, channels, KernelWindow((1, 1)), bias=False)

    def separable_conv(self, x: int, channels: int, kernel: int, stride: int = 1, dilation: int = 1) -> int:
        """Return a depthwise convolution, a 1x1 convolution, and the batch normalisation."""
        name = self.network.number("separable_conv2d")
        window = KernelWindow((kernel, kernel), stride, dilation)
        each = self._conv(f"{name}/depthwise", x, None, window, bias=False)
        made = self._conv(name, each, channels, KernelWindow((1, 1)), bias=self._fold)
        return made if self._fold else self.batch_norm(made)

    def unit(self, x: int, unit: Unit) -> int:
        """Return a convolution, its batch normalisation, and its ReLU6 if it has one."""
        conv = Convolution.of(self.network.shape(x), unit.channels, unit.window)
        made = self._weighted(self.network.number(unit.family), x, conv, unit.gain, self._fold)
        made = made if self._fold else self.batch_norm(made)
        return self._relu6(made) if unit.relu6 else made

    def batch_norm(self, x: int) -> int:
        """Return batch normalisation in inference form, with nearly neutral parameters."""
        channels = self.network.shape(x)[1]
        neutral = repeated(channels, 1.0), repeated(channels, 0.0)
        values = neutral[0], self._weights.uniform(channels, BIAS), neutral[1], neutral[0]
        roles = ("scale", "bias", "mean", "variance")
        parameters = tuple(Parameter(r, (channels,), v) for r, v in zip(roles, values, strict=True))
        layer = Layer("BatchNormalization", (x,), self.network.shape(x), {"epsilon": _EPSILON}, parameters)
        return self.network.append(self.network.number("batch_normalization"), layer)

    def shift(self, x: int) -> int:
        """Return the image moved up and left by one pixel, filled with zeros at the other edges."""
        batch, channels, height, width = self.network.shape(x)
        pads = _integers("pads", (0, 0, 0, 0, 0, 0, 1, 1))
        wider = Layer("Pad", (x,), (batch, channels, height + 1, width + 1), {}, (pads,))
        padded = self.network.append(self.network.number("zero_padding2d"), wider)
        window = (
            _integers("starts", (1, 1)),
            _integers("ends", (height + 1, width + 1)),
            _integers("axes", (2, 3)),
        )
        cropped = Layer("Slice", (padded,), self.network.shape(x), {}, window)
        return self.network.append(self.network.number("cropping2d"), cropped)

    def weighted_sum(self, parts: tuple[int, ...]) -> int:
        """Return the weighted sum of images of equal shapes, as Keras computes it.

        The images are stacked along a new last axis, and the stack is multiplied by a column.
        """
        name, shape = self.network.number("stack"), self.network.shape(parts[0])
        stacked = self._stack(name, parts, axis=len(shape))
        column = Parameter("weight", (len(parts), 1), self._weights.uniform(len(parts), sqrt(3 / len(parts))))
        product = Layer("MatMul", (stacked,), (*shape, 1), {}, (column,))
        summed = self.network.append(f"{name}/matmul", product)
        squeezed = Layer("Squeeze", (summed,), shape, {}, (_integers("axes", (len(shape),)),))
        return self.network.append(f"{name}/squeeze", squeezed)

    def mean(self, parts: tuple[int, ...]) -> int:
        """Return the mean of images of equal shapes, stacked along a new first axis and reduced."""
        name, shape = self.network.number("stack"), self.network.shape(parts[0])
        stacked = self._stack(name, parts, axis=0)
        attributes: dict[str, Attribute] = {"axes": (0,), "keepdims": 0}
        return self.network.append(f"{name}/mean", Layer("ReduceMean", (stacked,), shape, attributes, ()))

    def variadic(self, kind: str, parts: tuple[int, ...]) -> int:
        """Return one operator over images of equal shapes: Sum or Mean."""
        layer = Layer(kind, parts, self.network.shape(parts[0]), {}, ())
        return self.network.append(self.network.number(f"stack_{kind.lower()}"), layer)

    def classify(self, x: int, classes: int) -> int:
        """Return one score per class: the mean of each channel times a matrix."""
        batch, channels, *_ = self.network.shape(x)
        name = self.network.number("global_average_pooling2d")
        mean = self.network.append(name, Layer("GlobalAveragePool", (x,), (batch, channels, 1, 1), {}, ()))
        axes = _integers("axes", (2, 3))
        flat = self.network.append(
            f"{name}/squeeze", Layer("Squeeze", (mean,), (batch, channels), {}, (axes,))
        )
        values = self._weights.uniform(channels * classes, sqrt(3 / channels))
        weight = Parameter("weight", (channels, classes), values)
        return self.network.append("dense", Layer("MatMul", (flat,), (batch, classes), {}, (weight,)))

    def dense(self, x: int, classes: int, gain: float) -> int:
        """Return one score per class: the mean of each channel, times a matrix, plus a bias."""
        batch, channels, *_ = self.network.shape(x)
        name = self.network.number("global_average_pool")
        mean = self.network.append(name, Layer("GlobalAveragePool", (x,), (batch, channels, 1, 1), {}, ()))
        flat = self.network.append("flatten", Layer("Flatten", (mean,), (batch, channels), {"axis": 1}, ()))
        weights = self._weights
        values = weights.uniform(channels * classes, sqrt(3 * gain / channels))
        parameters = (
            Parameter("weight", (classes, channels), values),
            Parameter("bias", (classes,), weights.uniform(classes, BIAS)),
        )
        layer = Layer("Gemm", (flat,), (batch, classes), {"transB": 1}, parameters)
        return self.network.append("dense", layer)

    def _relu6(self, x: int) -> int:
        """Return x limited to between 0 and 6."""
        limits = tuple(
            Parameter(role, (), repeated(1, value)) for role, value in (("min", 0.0), ("max", 6.0))
        )
        layer = Layer("Clip", (x,), self.network.shape(x), {}, limits)
        return self.network.append(self.network.number("re_lu6"), layer)

    def _once(
        self, family: str, kind: str, inputs: tuple[int, ...], shape: Shape, **attributes: Attribute
    ) -> int:
        return self.network.append_once(
            self.network.number(family), Layer(kind, inputs, shape, attributes, ())
        )

    def _stack(self, name: str, parts: tuple[int, ...], axis: int) -> int:
        """Return the parts along a new axis; a part that is stacked twice is expanded once."""
        shape = self.network.shape(parts[0])
        axes = _integers("axes", (axis,))
        expanded: list[int] = []
        for place, part in enumerate(parts):
            layer = Layer("Unsqueeze", (part,), (*shape[:axis], 1, *shape[axis:]), {}, (axes,))
            expanded.append(self.network.append_once(f"{name}/unsqueeze_{place}", layer))
        whole = (*shape[:axis], len(parts), *shape[axis:])
        return self.network.append(name, Layer("Concat", tuple(expanded), whole, {"axis": axis}, ()))

    def _pool(self, family: str, kind: str, x: int, kernel: int, stride: int) -> int:
        batch, channels, height, width = self.network.shape(x)
        image, attributes = KernelWindow((kernel, kernel), stride).over((height, width))
        return self._once(family, kind, (x,), (batch, channels, *image), **attributes)

    def _conv(self, name: str, x: int, channels: int | None, window: KernelWindow, bias: bool) -> int:
        """Return a convolution to a number of channels, or a depthwise convolution if that is None."""
        conv = Convolution.of(self.network.shape(x), channels, window)
        # A relu halves the variance; depthwise weights compensate for that (He et al., ICCV 2015, section
        # 2.2). Dense weights need not: they begin a cell, and the additions before it have doubled it.
        return self._weighted(name, x, conv, 2 if channels is None else 1, bias)

    def _weighted(self, name: str, x: int, conv: Convolution, gain: float, bias: bool) -> int:
        weights, made = self._weights, conv.weight[0]
        values = weights.uniform(prod(conv.weight), conv.bound(gain))
        parameters = [Parameter("weight", conv.weight, values)]
        if bias:
            parameters.append(Parameter("bias", (made,), weights.uniform(made, BIAS)))
        layer = Layer("Conv", (x,), conv.result, conv.attributes, tuple(parameters))
        return self.network.append(name, layer)


def _integers(role: str, values: tuple[int, ...]) -> Parameter:
    packed = struct.pack(f"<{len(values)}q", *values)
    return Parameter(role, (len(values),), packed, INT64)
