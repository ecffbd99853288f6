"""Random networks in ONNX with every kind of operator that can be cut, in several element types."""

from __future__ import annotations

from itertools import count
from random import Random
from typing import Any

import numpy as np
from onnx import helper

from hmcos.frontends.loading import load
from hmcos.frontends.model import Model
from property.narrow_networks import NarrowNetwork
from property.tile_networks import values

OPSETS = (11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 23)
# fmt: off
UNARY = {
    11: (
        "Abs", "Acosh", "Asinh", "Atanh", "Ceil", "Cosh", "Dropout", "Elu", "Erf", "Exp", "Floor",
        "HardSigmoid", "Identity", "LeakyRelu", "Log", "Neg", "Reciprocal", "Relu", "Round", "Selu",
        "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Tanh", "ThresholdedRelu",
    ),
    14: ("HardSwish",),
    18: ("Mish",),
    20: ("Gelu",),
}
# fmt: on
"""From which opset on there are which kinds."""


class KindNetwork(NarrowNetwork):
    """Grows a network of images, of floats and of integers of 8 bits, by one operator at a time."""

    def __init__(self, rng: Random, operators: int, element: Any = None) -> None:
        self.element = element or rng.choice((np.float32,) * 10 + (np.float64, np.float16))
        super().__init__(rng, operators)

    def choose_opset(self) -> int:
        return self.rng.choice(OPSETS)

    def grow(self) -> None:
        own = [self.single, self.operands, self.broadcast, self.take, self.compared, self.pad_any]
        own += [self.resize_any, self.dilated_pool, self.grouped, self.over_channels, self.apart]
        own += [self.narrow, self.narrow, self.transposed_any]
        if self.quantized and self.rng.random() < 0.5:
            self.grow_narrow()
        elif self.rng.random() < 0.6:
            self.rng.choice(own)()
        else:
            super().grow()

    def single(self) -> None:
        x = self.pick()
        kinds = [kind for least, some in UNARY.items() if self.opset >= least for kind in some]
        self.add(self.rng.choice(kinds), [x], self.shapes[x])

    def operands(self) -> None:
        """An operator of several images of the same size, or of one and a few numbers."""
        rng, x = self.rng, self.pick()
        shape = self.shapes[x]
        fitting = [name for name, other in self.shapes.items() if other == shape]
        kind = rng.choice(("Sum", "Mean", "Min", "Max", "Div", "PRelu", "Clip", "Pow", "Mul"))
        if kind in ("Sum", "Mean", "Min", "Max"):
            inputs = [x, *(rng.choice(fitting) for _ in range(rng.randint(0, 3)))]
        elif kind == "PRelu":
            inputs = [x, self.parameter((shape[0], 1, 1))]
        elif kind == "Clip":
            inputs = [x, self.constant(self.element(-1)), self.constant(self.element(1.5))]
        else:
            inputs = [
                x,
                rng.choice((rng.choice(fitting), self.parameter(()), self.parameter((1, shape[0], 1, 1)))),
            ]
        self.add(kind, inputs, shape)

    def broadcast(self) -> None:
        """An image and one row, one column or one pixel of it."""
        x = self.pick()
        channels, height, width = self.shapes[x]
        axes = self.rng.choice(([2], [3], [2, 3], [1]))
        kind, shape = self.rng.choice(("ReduceMax", "ReduceMean")), [channels, height, width]
        for axis in axes:
            shape[axis - 1] = 1
        made = shape[0], shape[1], shape[2]
        if self.opset < 18:
            row = self.add(kind, [x], made, axes=axes, keepdims=1)
        else:
            row = self.add(kind, [x, self.integers(axes)], made, keepdims=1)
        self.add(self.rng.choice(("Add", "Sub", "Mul")), self.shuffled([x, row]), (channels, height, width))

    def shuffled(self, names: list[str]) -> list[str]:
        return self.rng.sample(names, len(names))

    def take(self) -> None:
        """Some channels of an image."""
        x = self.pick()
        channels, height, width = self.shapes[x]
        first = self.rng.randint(0, channels - 1)
        last = self.rng.randint(first + 1, channels)
        step = self.rng.choice((1, 1, 2))
        numbers = [self.integers([n]) for n in (first, last, self.rng.choice((1, -3)), step)]
        self.add("Slice", [x, *numbers], (-(-(last - first) // step), height, width))

    def compared(self) -> None:
        x = self.pick()
        fitting = [name for name, shape in self.shapes.items() if shape == self.shapes[x]]
        kind = self.rng.choice(("Greater", "Less"))
        flags = f"f{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [x, self.rng.choice(fitting)], [flags]))
        if self.rng.random() < 0.3:
            self.nodes.append(helper.make_node("Not", [flags], [f"{flags}n"]))
            flags = f"{flags}n"
        self.add("Where", [flags, x, self.rng.choice((*fitting, self.parameter(())))], self.shapes[x])

    def pad_any(self) -> None:
        rng, x = self.rng, self.pick()
        channels, height, width = self.shapes[x]
        mode = rng.choice(("constant", "edge", "reflect"))
        least = -2 if mode == "constant" and min(height, width) > 6 else 0
        rows, columns = ([rng.randint(least, min(3, n - 1)) for _ in range(2)] for n in (height, width))
        more = [rng.randint(0, 1), rng.randint(0, 1)] if mode == "constant" else [0, 0]
        pads = [0, more[0], rows[0], columns[0], 0, more[1], rows[1], columns[1]]
        made = channels + sum(more), height + sum(rows), width + sum(columns)
        if min(made) < 1:
            return
        inputs = [x, self.integers(pads)]
        if rng.random() < 0.5:
            inputs.append(self.constant(self.element(rng.choice((0, 0.5, -3)))))
        if self.opset >= 18 and rng.random() < 0.5:
            axes = rng.choice(([2, 3], [-1, -2]))
            order = (0, 1) if axes[0] == 2 else (1, 0)
            both = rows, columns
            numbers = [both[i][end] for end in range(2) for i in order]
            made = channels, made[1], made[2]
            inputs = [x, self.integers(numbers), inputs[2] if len(inputs) > 2 else "", self.integers(axes)]
        self.add("Pad", inputs, made, mode=mode)

    def resize_any(self) -> None:
        rng, x = self.rng, self.pick()
        channels, height, width = self.shapes[x]
        mode = rng.choice(("nearest", "nearest", "linear", "cubic"))
        factors = [rng.choice((1, 2, 3, 4)) for _ in range(2)]
        if height * factors[0] > 64 or width * factors[1] > 64:
            return
        where = rng.choice(("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"))
        rest: dict[str, Any] = {"mode": mode, "coordinate_transformation_mode": where}
        if mode == "nearest":
            rest["nearest_mode"] = rng.choice(("floor", "ceil", "round_prefer_floor", "round_prefer_ceil"))
        made = channels, height * factors[0], width * factors[1]
        roi = "" if self.opset > 11 else self.parameter((0,))
        if rng.random() < 0.5:
            nothing = "" if self.opset > 11 else self.constant(np.array([], np.float32))
            inputs = [x, roi, nothing, self.integers([1, *made])]
        else:
            inputs = [x, roi, self.constant(np.array([1, 1, *factors], np.float32))]
        self.add("Resize", inputs, made, **rest)

    def dilated_pool(self) -> None:
        x = self.pick()
        channels, *size = self.shapes[x]
        window = self.sliding((size[0], size[1]))
        if window is None:
            return
        height, width = window.pop("made")
        kind = "MaxPool" if self.opset < 19 else self.rng.choice(("MaxPool", "AveragePool"))
        if kind == "AveragePool" and self.rng.random() < 0.5:
            window["count_include_pad"] = 1
        self.add(kind, [x], (channels, height, width), **window)

    def grouped(self) -> None:
        x = self.pick()
        channels, *size = self.shapes[x]
        groups = [g for g in range(2, channels + 1) if channels % g == 0]
        window = self.sliding((size[0], size[1]))
        if window is None or not groups:
            return
        height, width = window.pop("made")
        group = self.rng.choice(groups)
        made = group * self.rng.choice((1, 1, 2, 3))
        weights = self.parameter((made, channels // group, *window["kernel_shape"]), 0.3)
        if self.rng.random() < 0.3:
            del window["kernel_shape"]
        self.add("Conv", [x, weights], (made, height, width), group=group, **window)

    def over_channels(self) -> None:
        x = self.pick()
        axis = self.rng.choice((1, 1, 1, -3, 2))
        self.add(self.rng.choice(("Softmax", "LogSoftmax")), [x], self.shapes[x], axis=axis)

    def apart(self) -> None:
        x = self.pick()
        channels, height, width = self.shapes[x]
        if channels % 2 or self.opset < 18:
            return
        names = [f"t{len(self.shapes) + i}" for i in range(2)]
        self.nodes.append(helper.make_node("Split", [x], names, axis=1, num_outputs=2))
        for name in names:
            self.shapes[name] = channels // 2, height, width

    def transposed_any(self) -> None:
        rng, x = self.rng, self.pick()
        channels, *size = self.shapes[x]
        group = rng.choice([g for g in range(1, channels + 1) if channels % g == 0])
        kernel, stride = [rng.randint(1, 4) for _ in size], [rng.randint(1, 3) for _ in size]
        dilation = [rng.choice((1, 1, 2)) for _ in size]
        rest: dict[str, Any] = {}
        pads, beyond = [0] * 4, [0, 0]
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        if rng.random() < 0.2:
            rest["auto_pad"] = "VALID"
        else:
            pads = [rng.randint(0, min(2, r - 1)) for r in (*reach, *reach)]
            beyond = [rng.randint(0, s - 1) for s in stride]
            rest |= {"pads": pads, "output_padding": beyond}
        made = [
            (n - 1) * s - pads[i] - pads[i + 2] + r + beyond[i]
            for i, (n, s, r) in enumerate(zip(size, stride, reach, strict=True))
        ]
        if min(made) < 1 or max(made) > 64:
            return
        filters = rng.choice((1, 2, 5))
        inputs = [x, self.parameter((channels, filters, *kernel), 0.3)]
        if rng.random() < 0.5:
            inputs.append(self.parameter((group * filters,)))
        shape = group * filters, made[0], made[1]
        self.add("ConvTranspose", inputs, shape, group=group, strides=stride, dilations=dilation, **rest)


def kind_model(seed: int, operators: int = 20) -> Model:
    """A network that ONNX Runtime runs, and in which no value is NaN.

    It lacks some kinds for some elements; and it takes the maximum of a NaN and a number for either.
    """
    for attempt in count():
        rng = Random(f"{seed} {attempt}")
        proto = KindNetwork(rng, rng.randint(1, operators)).model()
        try:
            model = load(proto)
            made = values(model, [t.name for t in model.graph.tensors if not t.is_parameter], seed)
        except Exception:  # ONNX raises anything
            continue
        if not any(np.isnan(value).any() for value in made):
            return model
    raise AssertionError("counts for ever")
