"""Random networks in ONNX with every kind of operator that can be cut, in several element types."""

from __future__ import annotations

from itertools import count
from random import Random
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from hmcos.frontends.loading import load
from hmcos.frontends.model import Model
from property.tile_networks import RandomNetwork, values

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
Shape = tuple[int, int, int]


class KindNetwork(RandomNetwork):
    """Grows a network of images, of floats and of integers of 8 bits, by one operator at a time."""

    def __init__(self, rng: Random, operators: int, element: Any = None) -> None:
        self.element = element or rng.choice((np.float32,) * 10 + (np.float64, np.float16))
        self.quantized: dict[str, tuple[Shape, str, str]] = {}
        """Tensors of 8 bits: shape, scale and zero point."""
        super().__init__(rng, operators)

    def choose_opset(self) -> int:
        return self.rng.choice(OPSETS)

    def grow(self) -> None:
        own = [self.single, self.operands, self.broadcast, self.take, self.compared, self.pad_any]
        own += [self.resize_any, self.dilated_pool, self.grouped, self.over_channels, self.apart]
        own += [self.narrow, self.narrow, self.transposed_any]
        narrow = [self.narrow_convolution] * 3 + [
            self.narrow_any,
            self.narrow_any,
            self.widen,
            self.integers_only,
        ]
        if self.quantized and self.rng.random() < 0.5:
            self.rng.choice(narrow)()
        elif self.rng.random() < 0.6:
            self.rng.choice(own)()
        else:
            super().grow()

    def constant(self, value: Any) -> str:
        name = f"w{len(self.parameters)}"
        self.parameters.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def model(self) -> ModelProto:
        found = super().model()
        wide = helper.np_dtype_to_tensor_dtype(np.dtype(self.element))
        kept: list[Any] = []
        for value in (*found.graph.input, *found.graph.output):
            if value.type.tensor_type.elem_type == TensorProto.FLOAT:
                value.type.tensor_type.elem_type = wide
        read = {name for node in self.nodes for name in node.input}
        for name, (shape, _, zero) in self.quantized.items():
            if name not in read:
                element = next(p.data_type for p in self.parameters if p.name == zero)
                kept.append(helper.make_tensor_value_info(name, element, (1, *shape)))
        found.graph.output.extend(kept)
        if self.element != np.float32:
            del found.graph.value_info[:]
        return found

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

    def quantize(self) -> None:
        if self.can_quantize:
            super().quantize()

    @property
    def can_quantize(self) -> bool:
        return self.element == np.float32 or (self.element == np.float16 and self.opset >= 19)

    def narrow(self) -> None:
        """Floats to 8 bits."""
        x = self.pick()
        if not self.can_quantize:
            return
        element = self.rng.choice((np.int8, np.uint8))
        zero = self.constant(element(self.rng.randint(0, 20)))
        scale = self.constant(self.element(self.rng.choice((0.02, 0.05, 0.1))))
        self.add_narrow("QuantizeLinear", [x, scale, zero], self.shapes[x], scale, zero)

    def add_narrow(
        self, kind: str, inputs: list[str], shape: Shape, scale: str, zero: str, **attributes: Any
    ) -> str:
        name = f"q{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        self.quantized[name] = shape, scale, zero
        return name

    def pick_narrow(self) -> str:
        return self.rng.choice(list(self.quantized)[-4:])

    def element_of(self, zero: str) -> Any:
        stored = next(p for p in self.parameters if p.name == zero)
        return helper.tensor_dtype_to_np_dtype(stored.data_type).type

    def narrow_convolution(self) -> None:
        x = self.pick_narrow()
        (channels, *size), scale, zero = self.quantized[x]
        window = self.sliding((size[0], size[1]))
        element = self.element_of(zero)
        if window is None or self.element != np.float32:
            return
        height, width = window.pop("made")
        group = self.rng.choice([g for g in range(1, channels + 1) if channels % g == 0])
        made = group * self.rng.choice((1, 2, 5))
        filters = self.data.integers(-127, 128, (made, channels // group, *window["kernel_shape"]))
        by_channel = self.rng.random() < 0.5
        scales = self.data.uniform(0.001, 0.01, made if by_channel else ()).astype(np.float32)
        zeros = np.zeros(made if by_channel else (), np.int8)
        weights = self.constant(filters.astype(np.int8)), self.constant(scales), self.constant(zeros)
        to = self.constant(np.float32(0.05)), self.constant(element(self.rng.randint(0, 20)))
        inputs = [x, scale, zero, *weights, *to]
        if self.rng.random() < 0.5:
            inputs.append(self.constant(self.data.integers(-500, 500, made).astype(np.int32)))
        self.add_narrow("QLinearConv", inputs, (made, height, width), *to, group=group, **window)

    def narrow_any(self) -> None:
        """What moves numbers of 8 bits and does not reckon with them."""
        rng, x = self.rng, self.pick_narrow()
        (channels, height, width), scale, zero = self.quantized[x]
        kind = rng.choice(("MaxPool", "Concat", "Pad", "Resize", "DepthToSpace"))
        if kind == "MaxPool" and self.opset >= 12:
            window = self.sliding((height, width), pools=True)
            if window is not None:
                made = channels, *window.pop("made")
                self.add_narrow(kind, [x], (made[0], made[1], made[2]), scale, zero, **window)
        elif kind == "Concat" and channels <= 16:
            self.add_narrow(kind, [x, x], (2 * channels, height, width), scale, zero, axis=1)
        elif kind == "Pad" and self.opset >= 13:
            pads = self.integers([0, 0, 1, 2, 0, 0, 0, 1])
            self.add_narrow(kind, [x, pads, zero], (channels, height + 1, width + 3), scale, zero)
        elif kind == "Resize" and max(height, width) <= 32 and self.opset >= 13:
            scaled = [rng.choice((1, 2, 2)) for _ in range(2)]
            factors = self.constant(np.array([1, 1, *scaled], np.float32))
            rest = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
            mode = rng.choice(("nearest", "linear"))
            rest = rest if mode == "nearest" else {}
            made = channels, height * scaled[0], width * scaled[1]
            self.add_narrow(kind, [x, "", factors], made, scale, zero, mode=mode, **rest)
        elif kind == "DepthToSpace" and channels % 4 == 0 and self.opset >= 13:
            made = channels // 4, height * 2, width * 2
            self.add_narrow(kind, [x], made, scale, zero, blocksize=2)

    def integers_only(self) -> None:
        """A convolution of integers that makes integers of 32 bits, made floats again."""
        x = self.pick_narrow()
        (channels, *size), _, zero = self.quantized[x]
        window = self.sliding((size[0], size[1]))
        if window is None or self.element_of(zero) != np.uint8:
            return
        height, width = window.pop("made")
        filters = self.data.integers(-9, 9, (3, channels, *window["kernel_shape"])).astype(np.int8)
        name = f"i{len(self.nodes)}"
        inputs = [x, self.constant(filters), zero]
        self.nodes.append(helper.make_node("ConvInteger", inputs, [name], **window))
        wide = helper.np_dtype_to_tensor_dtype(np.dtype(self.element))
        self.add("Cast", [name], (3, height, width), to=wide)

    def widen(self) -> None:
        x = self.pick_narrow()
        shape, scale, zero = self.quantized[x]
        self.add("DequantizeLinear", [x, scale, zero], shape)


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
