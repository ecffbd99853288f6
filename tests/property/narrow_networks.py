"""Random networks in ONNX of which some tensors are integers of 8 bits."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from onnx import ModelProto, helper, numpy_helper

from property.tile_networks import RandomNetwork

Shape = tuple[int, int, int]
RUNTIME_DOMAIN = "com.microsoft"
"""Of operators that only ONNX Runtime knows."""


class NarrowNetwork(RandomNetwork):
    """Grows a network by operators on floats, and on integers of 8 bits."""

    def __init__(self, rng: Random, operators: int) -> None:
        self.quantized: dict[str, tuple[Shape, str, str]] = {}
        """Tensors of 8 bits: shape, scale and zero point."""
        super().__init__(rng, operators)

    def grow_narrow(self) -> None:
        kinds = [self.narrow_convolution] * 3 + [self.narrow_own, self.narrow_any] * 2
        self.rng.choice([*kinds, self.widen, self.integers_only])()

    def constant(self, value: Any) -> str:
        name = f"w{len(self.parameters)}"
        self.parameters.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def finished(self, model: ModelProto) -> ModelProto:
        """The model with the types of its elements, and with the shapes that nobody infers."""
        wide = helper.np_dtype_to_tensor_dtype(np.dtype(self.element))
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.elem_type = wide
        read = {name for node in self.nodes for name in node.input}
        for name, (shape, _, zero) in self.quantized.items():
            element = next(p.data_type for p in self.parameters if p.name == zero)
            values = model.graph.value_info if name in read else model.graph.output
            values.append(helper.make_tensor_value_info(name, element, (1, *shape)))
        if any(node.domain for node in self.nodes):
            model.opset_import.append(helper.make_opsetid(RUNTIME_DOMAIN, 1))
            return model
        return super().finished(model)

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

    def narrow_own(self) -> None:
        """Operators of ONNX Runtime's own for 8 bits; nobody else infers their shapes."""
        rng, x = self.rng, self.pick_narrow()
        shape, scale, zero = self.quantized[x]
        if self.element != np.float32:
            return
        element = self.element_of(zero)
        alike = [
            name
            for name, (other, _, z) in self.quantized.items()
            if other == shape and self.element_of(z) == element
        ]
        other = rng.choice(alike)
        both = [x, scale, zero, other, *self.quantized[other][1:]]
        to = self.constant(np.float32(0.07)), self.constant(element(rng.randint(0, 20)))
        kind = rng.choice(("QLinearAdd", "QLinearMul", "QLinearLeakyRelu", "QLinearSigmoid", "QLinearConcat"))
        inputs, made = [x, scale, zero, *to], shape
        attributes: dict[str, Any] = {"alpha": 0.1} if kind == "QLinearLeakyRelu" else {}
        if kind in ("QLinearAdd", "QLinearMul"):
            inputs = [*both, *to]
        elif kind == "QLinearConcat":
            inputs, attributes, made = [*to, *both], {"axis": 1}, (2 * shape[0], *shape[1:])
        if made[0] <= 32:
            self.add_narrow(kind, inputs, made, *to, domain=RUNTIME_DOMAIN, **attributes)

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
