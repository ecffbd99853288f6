"""Random convolutional networks in TensorFlow Lite: float, int8 and int16."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from hmcos.frontends.model import Model
from hmcos.frontends.tflite.format import TFLITE
from hmcos.frontends.tflite.reading import model_in
from hmcos.memory.target import load_target
from hmcos.schedulers.simple.random import random_order
from hmcos.transforms.ordered_network import OrderedNetwork, Rules, along
from tflite_models import S, Sketch

Shape = tuple[int, int, int]
Quantized = tuple[float, int]
Sliding = tuple[tuple[int, int], dict[str, Any], tuple[int, int]]
"""Rows and columns of a kernel, options, and rows and columns of what comes out."""
SAME, VALID = S.Padding.SAME, S.Padding.VALID
ACTIVATIONS = (0, 0, S.ActivationFunctionType.RELU, S.ActivationFunctionType.RELU6)


class RandomTflite:
    """Grows a network of images by one operator at a time."""

    def __init__(self, rng: Random, operators: int, element: str | None = None) -> None:
        self.rng = rng
        self.element = element or rng.choice(("FLOAT32", "INT8", "INT8", "INT16"))
        self.data = np.random.default_rng(rng.randrange(2**32))
        self.sketch = Sketch()
        self.sketch.subgraph()
        self.shapes: dict[int, Shape] = {}
        self.scales: dict[int, Quantized] = {}
        self.kinds = [self.convolution] * 5 + [self.depthwise] * 3 + [self.pool] * 3 + [self.pad] * 2
        self.kinds += [
            self.transposed,
            self.unary,
            self.binary,
            self.binary,
            self.concat,
            self.gate,
            self.barrier,
        ]
        if self.element != "INT16":
            self.kinds += [self.resize, self.blocks, self.split, self.cut, self.softmax, self.requantize]
        self.fed = self.tensor((rng.randint(6, 24), rng.randint(6, 24), rng.choice((1, 2, 3, 8))))
        for _ in range(operators):
            rng.choice(self.kinds)()

    def model(self) -> Model:
        """Return the network; all that nobody reads is an output, and now and then what somebody does."""
        graph = self.sketch.model.subgraphs[0]
        read = {t for operator in graph.operators for t in operator.inputs}
        made = [t for t in self.shapes if t != self.fed]
        outputs = [t for t in made if t not in read or self.rng.random() < 0.15]
        self.sketch.ports([self.fed], outputs)
        return model_in(self.sketch.bytes(), Path("random.tflite"))

    def tensor(self, shape: Shape, scale: Quantized | None = None) -> int:
        """Return a new tensor, of a random scale if none is given."""
        zero = 0 if self.element == "INT16" else self.rng.randint(-20, 20)
        found = scale or (self.rng.choice((0.02, 0.05, 0.1)), zero)
        quantized = self.quantized([found[0]], [found[1]])
        t = self.sketch.tensor([1, *shape], self.element, quantization=quantized)
        self.shapes[t], self.scales[t] = shape, found
        return t

    def quantized(self, scales: list[float], zeros: list[int], axis: int = 0) -> Any:
        if self.element == "FLOAT32":
            return None
        return S.QuantizationParametersT(scale=scales, zeroPoint=zeros, quantizedDimension=axis)

    def integers(self, values: object) -> int:
        data = np.array(values, np.int32)
        return self.sketch.tensor([*data.shape], "INT32", data)

    def weights(self, shape: list[int], axis: int, x: int) -> list[int]:
        """Return filters and bias for an input, quantized by channel."""
        channels = shape[axis]
        if self.element == "FLOAT32":
            filters = (self.data.standard_normal(shape) * 0.3).astype(np.float32)
            bias = self.data.standard_normal(channels).astype(np.float32)
            return [
                self.sketch.tensor(shape, "FLOAT32", filters),
                self.sketch.tensor([channels], "FLOAT32", bias),
            ]
        scales = [float(s) for s in self.data.uniform(0.005, 0.02, channels)]
        filters = self.data.integers(-127, 128, shape).astype(np.int8)
        zeros = [0] * channels
        made = self.sketch.tensor(shape, "INT8", filters, quantization=self.quantized(scales, zeros, axis))
        wide = "INT64" if self.element == "INT16" else "INT32"
        bias = self.data.integers(-200, 200, channels).astype(wide.lower())
        products = [s * self.scales[x][0] for s in scales]
        added = self.sketch.tensor([channels], wide, bias, quantization=self.quantized(products, zeros))
        return [made, added]

    def pick(self) -> int:
        known = list(self.shapes)
        return known[-1 - min(int(self.rng.expovariate(0.7)), len(known) - 1)]

    def alike(self, x: int, *, channels: bool = True, scale: bool = False) -> list[int]:
        """Return the tensors of the same size as one."""
        end = 3 if channels else 2
        return [
            t
            for t, shape in self.shapes.items()
            if shape[:end] == self.shapes[x][:end] and (not scale or self.scales[t] == self.scales[x])
        ]

    def sliding(self, x: int, *, pools: bool = False) -> Sliding | None:
        """Return a window over a tensor; None where it does not fit."""
        rng, size = self.rng, self.shapes[x][:2]
        kernel = rng.choice((1, 2, 3, 3, 3, 5)), rng.choice((1, 2, 3, 3, 3, 5))
        strides = rng.choice((1, 1, 2, 3)), rng.choice((1, 1, 2, 3))
        if rng.random() < 0.6:
            kernel, strides = (kernel[0], kernel[0]), (strides[0], strides[0])
        dilation = rng.choice((1, 1, 1, 2)) if strides == (1, 1) and not pools else 1
        padding = rng.choice((SAME, SAME, VALID))
        reach = [(k - 1) * dilation + 1 for k in kernel]
        if any(n < r for n, r in zip(size, reach, strict=True)):
            return None
        made = [
            -(-n // s) if padding == SAME else (n - r) // s + 1
            for n, s, r in zip(size, strides, reach, strict=True)
        ]
        options: dict[str, Any] = {"padding": padding, "strideH": strides[0], "strideW": strides[1]}
        options["fusedActivationFunction"] = rng.choice(ACTIVATIONS)
        if not pools:
            options |= {"dilationHFactor": dilation, "dilationWFactor": dilation}
        return kernel, options, (made[0], made[1])

    def convolution(self) -> None:
        x = self.pick()
        found = self.sliding(x)
        if found is None:
            return
        kernel, options, size = found
        channels = self.rng.choice((1, 2, 4, 8, 16))
        inputs = [x, *self.weights([channels, *kernel, self.shapes[x][2]], 0, x)]
        self.sketch.operator("CONV_2D", inputs, [self.tensor((*size, channels))], **options)

    def depthwise(self) -> None:
        x = self.pick()
        found = self.sliding(x)
        times = self.rng.choice((1, 1, 1, 2))
        if found is None or self.shapes[x][2] * times > 32 or found[1]["strideH"] != found[1]["strideW"]:
            return
        kernel, options, size = found
        channels = self.shapes[x][2] * times
        inputs = [x, *self.weights([1, *kernel, channels], 3, x)]
        made = self.tensor((*size, channels))
        self.sketch.operator("DEPTHWISE_CONV_2D", inputs, [made], depthMultiplier=times, **options)

    def pool(self) -> None:
        x = self.pick()
        found = self.sliding(x, pools=True)
        if found is None:
            return
        kernel, options, size = found
        kind = self.rng.choice(("MAX_POOL_2D", "AVERAGE_POOL_2D"))
        made = self.tensor((*size, self.shapes[x][2]), self.scales[x])
        self.sketch.operator(kind, [x], [made], filterHeight=kernel[0], filterWidth=kernel[1], **options)

    def transposed(self) -> None:
        rng, x = self.rng, self.pick()
        kernel, strides = [rng.randint(1, 4) for _ in range(2)], [rng.randint(1, 3) for _ in range(2)]
        padding = rng.choice((SAME, VALID))
        made = [
            n * s - rng.randint(0, s - 1) if padding == SAME else (n - 1) * s + k + rng.randint(0, s - 1)
            for n, s, k in zip(self.shapes[x], strides, kernel, strict=False)
        ]
        if max(made) > 48:
            return
        channels = rng.choice((1, 3, 8))
        filters, bias = self.weights([channels, *kernel, self.shapes[x][2]], 0, x)
        size = self.integers([1, *made, channels])
        inputs = [size, filters, x] if rng.random() < 0.3 else [size, filters, x, bias]
        options = {"padding": padding, "strideH": strides[0], "strideW": strides[1]}
        y = self.tensor((made[0], made[1], channels))
        self.sketch.operator("TRANSPOSE_CONV", inputs, [y], **options)

    def pad(self) -> None:
        x = self.pick()
        height, width, channels = self.shapes[x]
        pads = [[0, 0], *([self.rng.randint(0, 2), self.rng.randint(0, 2)] for _ in range(2))]
        pads.append([0, self.rng.choice((0, 0, 1))])
        made = self.tensor(
            (height + sum(pads[1]), width + sum(pads[2]), channels + pads[3][1]), self.scales[x]
        )
        self.sketch.operator("PAD", [x, self.integers(pads)], [made])

    def unary(self) -> None:
        x = self.pick()
        if self.element == "FLOAT32":
            kind = self.rng.choice(("RELU", "RELU6", "LOGISTIC", "TANH", "HARD_SWISH", "LEAKY_RELU", "ABS"))
            self.sketch.operator(kind, [x], [self.tensor(self.shapes[x])])
        elif self.element == "INT8" and self.rng.random() < 0.5:
            made = self.tensor(self.shapes[x], (1 / 256, -128))
            self.sketch.operator("LOGISTIC", [x], [made])
        else:
            self.sketch.operator("LEAKY_RELU", [x], [self.tensor(self.shapes[x])], alpha=0.25)

    def binary(self) -> None:
        x = self.pick()
        kind, other = self.rng.choice(("ADD", "MUL", "SUB")), self.rng.choice(self.alike(x))
        if self.element == "FLOAT32" and self.rng.random() < 0.3:
            value = self.data.standard_normal(self.shapes[x][2:]).astype(np.float32)
            other = self.sketch.tensor([1, 1, 1, *value.shape], "FLOAT32", value)
        if kind == "MUL" and other == x and self.element != "FLOAT32":
            kind = "ADD"  # XNNPACK rounds a square by who made what is squared (docs/tflite.md)
        made = self.tensor(self.shapes[x])
        self.sketch.operator(kind, [x, other], [made], fusedActivationFunction=self.rng.choice(ACTIVATIONS))

    def concat(self) -> None:
        x = self.pick()
        fitting = self.alike(x, channels=False, scale=self.element != "FLOAT32")
        parts = [x, *(self.rng.choice(fitting) for _ in range(self.rng.randint(1, 2)))]
        channels = sum(self.shapes[t][2] for t in parts)
        if channels <= 32:
            made = self.tensor((*self.shapes[x][:2], channels), self.scales[x])
            self.sketch.operator("CONCATENATION", parts, [made], axis=self.rng.choice((3, -1)))

    def gate(self) -> None:
        """A tensor of one pixel, multiplied with an image (squeeze and excitation)."""
        x = self.pick()
        if self.element == "INT16":
            return
        channels = self.shapes[x][2]
        pooled, made = self.tensor((1, 1, channels)), self.tensor(self.shapes[x])
        self.sketch.operator("MEAN", [x, self.integers([1, 2])], [pooled], keepDims=True)
        self.sketch.operator("MUL", [x, pooled] if self.rng.random() < 0.5 else [pooled, x], [made])

    def barrier(self) -> None:
        x = self.pick()
        height, width, channels = self.shapes[x]
        made = self.tensor((width, height, channels), self.scales[x])
        self.sketch.operator("TRANSPOSE", [x, self.integers([0, 2, 1, 3])], [made])

    def resize(self) -> None:
        rng, x = self.rng, self.pick()
        height, width, channels = self.shapes[x]
        nearest = rng.random() < 0.5
        factors = [rng.choice((1, 2, 3) if nearest else (1, 2, 4)) for _ in range(2)]
        size = height * factors[0], width * factors[1]
        if max(size) > 48:
            return
        made = self.tensor((*size, channels), self.scales[x])
        kind = "RESIZE_NEAREST_NEIGHBOR" if nearest else "RESIZE_BILINEAR"
        half = not nearest or rng.random() < 0.5
        self.sketch.operator(
            kind, [x, self.integers(size)], [made], halfPixelCenters=half, alignCorners=False
        )

    def blocks(self) -> None:
        x = self.pick()
        height, width, channels = self.shapes[x]
        if channels % 4 == 0 and max(height, width) <= 24:
            made = self.tensor((height * 2, width * 2, channels // 4), self.scales[x])
            self.sketch.operator("DEPTH_TO_SPACE", [x], [made], blockSize=2)
        elif height % 2 == width % 2 == 0 and channels <= 8:
            made = self.tensor((height // 2, width // 2, channels * 4), self.scales[x])
            self.sketch.operator("SPACE_TO_DEPTH", [x], [made], blockSize=2)

    def split(self) -> None:
        x = self.pick()
        height, width, channels = self.shapes[x]
        if channels % 2 == 0:
            made = [self.tensor((height, width, channels // 2), self.scales[x]) for _ in range(2)]
            self.sketch.operator("SPLIT", [self.integers(self.rng.choice((3, -1))), x], made, numSplits=2)

    def cut(self) -> None:
        """Some channels of a tensor."""
        x = self.pick()
        height, width, channels = self.shapes[x]
        if channels < 2:
            return
        first = self.rng.randint(0, channels - 2)
        left = self.rng.randint(1, channels - first)
        made = self.tensor((height, width, left), self.scales[x])
        begin = self.integers([0, 0, 0, first])
        if self.rng.random() < 0.5:
            size = self.integers(self.rng.choice(([1, height, width, left], [-1, -1, -1, left])))
            self.sketch.operator("SLICE", [x, begin, size], [made])
        else:
            end, strides = self.integers([1, height, width, first + left]), self.integers([1] * 4)
            mask = self.rng.choice((0, 7))
            self.sketch.operator(
                "STRIDED_SLICE", [x, begin, end, strides], [made], beginMask=mask, endMask=mask
            )

    def softmax(self) -> None:
        x = self.pick()
        made = self.tensor(self.shapes[x], (1 / 256, -128))
        self.sketch.operator("SOFTMAX", [x], [made], beta=1.0)

    def requantize(self) -> None:
        if self.element == "INT8":
            x = self.pick()
            self.sketch.operator("QUANTIZE", [x], [self.tensor(self.shapes[x])])


def ordered(model: Model, rng: Random) -> OrderedNetwork:
    """Return a network along a random order, on TensorFlow Lite for Microcontrollers."""
    target = TFLITE.target(load_target("tflm"), model)
    assert TFLITE.spelling is not None
    upkeep = TFLITE.upkeep(target, model, 8)
    assert upkeep is not None
    kernel = TFLITE.kernel(target, model)
    rules = Rules(target, target.alignment, TFLITE.spelling, kernel, upkeep=upkeep)
    network = along(model.graph, TFLITE.windows(model), rules)
    order = random_order(network.problem, rng)
    return along(model.graph, network.windows, rules, [network.sharing.numbers[i] for i in order])
