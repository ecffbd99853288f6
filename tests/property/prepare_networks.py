"""Random networks that compute sizes at run time and pad by operators of their own."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, cast

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]
from onnx import ModelProto, TensorProto, helper, numpy_helper

from hmcos.frontends.loading import load
from hmcos.frontends.model import Model
from property.tile_networks import RandomNetwork

SYMBOLS = ("N", "H", "W")


class UnpreparedNetwork(RandomNetwork):
    """A network as exporters write them where sizes are open."""

    def grow(self) -> None:
        kinds = (
            [self.convolution] * 3
            + [self.pool, self.element_wise, self.binary, self.concat, self.normalize]
            + [self.computed_resize, self.computed_reshape, self.measured]
            + [self.padded] * 4
            + [self.expanded]
        )
        self.rng.choice(kinds)()

    def value(self, array: np.ndarray[Any, Any]) -> str:
        name = f"w{len(self.parameters)}"
        self.parameters.append(numpy_helper.from_array(array, name))
        return name

    def small(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node on a few numbers."""
        name = f"s{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def lengths(self, x: str, first: int, last: int) -> str:
        """Sizes of a tensor, cut out in one of several ways."""
        shape = self.small("Shape", x)
        if self.rng.random() < 0.5:
            return self.small(
                "Slice", shape, self.integers([first]), self.integers([last]), self.integers([0])
            )
        parts = [
            self.small("Gather", shape, self.value(np.array([i], np.int64)), axis=0)
            for i in range(first, last)
        ]
        return self.small("Concat", *parts, axis=0)

    def computed_resize(self) -> None:
        x, factor = self.pick(), self.rng.choice((1, 2))
        channels, height, width = self.shapes[x]
        if max(height, width) * factor > 64:
            return
        mode = self.rng.choice(("nearest", "linear"))
        rest: dict[str, Any] = {"mode": mode, "coordinate_transformation_mode": "pytorch_half_pixel"}
        if mode == "nearest":
            rest = {"mode": mode, "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        roi = "" if self.opset > 11 else self.parameter((0,))
        empty = "" if self.opset > 11 else self.parameter((0,))
        size = self.small("Mul", self.lengths(x, 2, 4), self.integers([factor]))
        made = self.small("Concat", self.lengths(x, 0, 2), size, axis=0)
        inputs = [x, roi, empty, made]
        if self.rng.random() < 0.3:
            floats = self.small("Cast", size, to=TensorProto.FLOAT)
            whole = self.small("Cast", self.lengths(x, 2, 4), to=TensorProto.FLOAT)
            scales = self.small("Div", floats, whole)
            inputs = [x, roi, self.small("Concat", self.value(np.ones(2, np.float32)), scales, axis=0)]
        self.add("Resize", inputs, (channels, height * factor, width * factor), **rest)

    def computed_reshape(self) -> None:
        """Turn the channels into two axes and back, as channel shuffles do."""
        x = self.pick()
        channels, height, width = self.shapes[x]
        if channels % 2:
            return
        batch, rest = self.lengths(x, 0, 1), self.lengths(x, 2, 4)
        shape = self.small("Concat", batch, self.integers([2, channels // 2]), rest, axis=0)
        apart = self.small("Reshape", x, shape)
        turned = self.small("Transpose", apart, perm=[0, 2, 1, 3, 4])
        self.add("Reshape", [turned, self.small("Shape", x)], (channels, height, width))

    def expanded(self) -> None:
        """A gate of one pixel that is repeated before the image is multiplied with it."""
        x = self.pick()
        gate = self.small("Sigmoid", self.small("GlobalAveragePool", x))
        repeated = self.small("Expand", gate, self.small("Shape", x))
        kind = self.rng.choice(("Mul", "Add", "Sub", "Max"))
        inputs = [repeated, repeated] if self.rng.random() < 0.2 else [x, repeated]
        self.add(kind, inputs if self.rng.random() < 0.5 else inputs[::-1], self.shapes[x])

    def measured(self) -> None:
        """Make a size an output in its own right, or leave one that nobody reads."""
        if self.rng.random() < 0.1:
            self.small("Shape", self.pick())

    def padded(self) -> None:
        x, rng = self.pick(), self.rng
        channels, height, width = self.shapes[x]
        pads = [0, 0, *(rng.randint(0, 2) for _ in range(2)), 0, 0, *(rng.randint(0, 2) for _ in range(2))]
        fill = rng.choice((None, 0.0, 0.0, 1.0, -0.0, -np.inf))
        pads = [0] * 8 if rng.random() < 0.15 else pads
        told = self.integers(pads)
        if rng.random() < 0.4:
            told = self.small("Mul", self.integers(pads), self.small("Div", *[self.lengths(x, 1, 2)] * 2))
        inputs = [x, told, *([] if fill is None else [self.value(np.array(fill, np.float32))])]
        made = channels, height + pads[2] + pads[6], width + pads[3] + pads[7]
        if min(height, width) < 3:
            return
        # The maximum of nothing but -inf is not the same in all kernels: only the pools below read it.
        padded = self.small("Pad", *inputs) if fill == -np.inf else self.add("Pad", inputs, made)
        for _ in range(rng.choice((1, 1, 1, 2))):
            kind = rng.choice(("Conv", "Conv", "Conv", "MaxPool", "AveragePool"))
            kind = "MaxPool" if fill == -np.inf else kind
            own = (
                {}
                if fill == -np.inf
                else rng.choice(
                    ({}, {"auto_pad": "VALID"}, {"auto_pad": "SAME_UPPER"}, {"pads": [1, 0, 1, 0]})
                )
            )
            window: dict[str, Any] = {"kernel_shape": [3, 3], **own}
            if kind == "AveragePool" and rng.random() < 0.5:
                window["count_include_pad"] = 1
            edge = (
                (2, 2) if not own or own.get("auto_pad") == "VALID" else (0, 2) if "pads" in own else (0, 0)
            )
            size = made[1] - edge[0], made[2] - edge[1]
            if kind == "Conv":
                group = rng.choice((1, channels))
                weights = self.parameter((2 * channels, channels // group, 3, 3), 0.3)
                self.add("Conv", [padded, weights], (2 * channels, *size), group=group, **window)
            else:
                self.add(kind, [padded], (channels, *size), **window)


def unprepared_model(rng: Random, operators: int) -> Model:
    """A network of about so many operators, perhaps with symbols that are bound."""
    network = UnpreparedNetwork(rng, operators)
    proto = network.model()
    symbols = rng.choice(((), SYMBOLS[:1], SYMBOLS))
    bind = dict(zip(SYMBOLS, (1, *network.first[1:]), strict=True))
    del proto.graph.value_info[:]
    for value in (*proto.graph.input, *proto.graph.output):
        dims = value.type.tensor_type.shape.dim
        for symbol, axis in zip(symbols, (0, 2, 3), strict=False):
            dims[axis].dim_param = symbol if value in proto.graph.input else f"{value.name}_{axis}"
    return load(proto, {symbol: bind[symbol] for symbol in symbols})


def computed(model: Model, names: Sequence[str], seed: int, batch: int = 1) -> list[Any]:
    """What ONNX Runtime computes for some tensors of a model, with one thread and nothing fused."""
    proto = ModelProto()
    proto.CopyFrom(cast(ModelProto, model.proto))
    had = {output.name for output in proto.graph.output}
    proto.graph.output.extend(helper.make_empty_tensor_value_info(n) for n in names if n not in had)
    runtime: Any = onnxruntime
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = runtime.InferenceSession(proto.SerializeToString(), options)
    shape = (batch, *model.graph.tensors[model.graph.inputs[0]].shape[1:])
    data = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return session.run(list(names), {proto.graph.input[0].name: data})
