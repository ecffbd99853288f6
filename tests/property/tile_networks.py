"""Random convolutional networks in ONNX, and random tilings of them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, shape_inference

from hmcos.frontends.loading import load
from hmcos.frontends.model import Model
from hmcos.frontends.onnx.format import ONNX
from hmcos.graph.graph import Graph
from hmcos.graph.rewrite import rewritten
from hmcos.graph.spelling import Spelling
from hmcos.graph.upkeep import Upkeep
from hmcos.memory.changes import without_external
from hmcos.memory.profile import peak
from hmcos.memory.sharing import lower
from hmcos.memory.target import Target, load_target
from hmcos.schedulers.simple.random import random_order
from hmcos.transforms.cost import Costing, cost
from hmcos.transforms.ordered_network import OrderedNetwork, Rules, along
from hmcos.transforms.tile import TiledRegion, expand

SPELLING = Spelling()
"""That of ONNX."""
OPSETS = (11, 13, 16, 18, 21)


class RandomNetwork:
    """Grows a network of images by one operator at a time."""

    element: Any = np.float32

    def __init__(self, rng: Random, operators: int) -> None:
        self.rng = rng
        self.opset = self.choose_opset()
        self.nodes: list[NodeProto] = []
        self.parameters: list[TensorProto] = []
        self.shapes: dict[str, tuple[int, int, int]] = {}
        self.data = np.random.default_rng(rng.randrange(2**32))
        self.shapes["x"] = (rng.choice((1, 2, 3, 4)), rng.randint(6, 28), rng.randint(6, 28))
        self.first = self.shapes["x"]
        while len(self.nodes) < operators:
            self.grow()

    def choose_opset(self) -> int:
        """Return the opset of the network."""
        return self.rng.choice(OPSETS)

    def model(self) -> ModelProto:
        """The network; all that nobody reads is an output, and now and then a tensor that somebody does."""
        read = {name for node in self.nodes for name in node.input}
        made = [name for name in self.shapes if name != "x"]
        outputs = [name for name in made if name not in read or self.rng.random() < 0.05]
        graph = helper.make_graph(
            self.nodes,
            "random",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, *self.first))],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, (1, *self.shapes[n])) for n in outputs],
            self.parameters,
        )
        opsets = [helper.make_opsetid("", self.opset)]
        return self.finished(helper.make_model(graph, opset_imports=opsets, ir_version=8))

    def finished(self, model: ModelProto) -> ModelProto:
        """The model, now and then with all shapes in it."""
        return shape_inference.infer_shapes(model, strict_mode=True) if self.rng.random() < 0.5 else model

    def grow(self) -> None:
        kinds = (
            [self.convolution] * 5
            + [self.pool] * 2
            + [self.element_wise, self.element_wise, self.binary, self.binary, self.normalize]
            + [self.concat, self.split, self.pad, self.resize, self.transposed, self.blocks, self.gate]
            + [self.barrier, self.softmax, self.quantize]
        )
        self.rng.choice(kinds)()

    def pick(self) -> str:
        names = list(self.shapes)
        return names[-1 - min(int(self.rng.expovariate(0.7)), len(names) - 1)]

    def parameter(self, shape: tuple[int, ...], scale: float = 1.0) -> str:
        name = f"w{len(self.parameters)}"
        value = (self.data.standard_normal(shape) * scale).astype(self.element)
        self.parameters.append(numpy_helper.from_array(value, name))
        return name

    def integers(self, values: list[int]) -> str:
        name = f"w{len(self.parameters)}"
        self.parameters.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    def add(self, kind: str, inputs: list[str], shape: tuple[int, int, int], **attributes: Any) -> str:
        name = f"t{len(self.shapes)}"
        node_name = f"n{len(self.nodes)}" if self.rng.random() < 0.8 else ""
        self.nodes.append(helper.make_node(kind, inputs, [name], name=node_name, **attributes))
        self.shapes[name] = shape
        return name

    def sliding(self, size: tuple[int, int], *, pools: bool = False) -> dict[str, Any] | None:
        """Attributes of a window that slides over an image of a size, and `made`: what comes out."""
        rng = self.rng
        kernel = [rng.choice((1, 2, 3, 3, 3, 5)) for _ in size]
        stride = [rng.choice((1, 1, 2, 3)) for _ in size]
        dilation = [1, 1] if pools or rng.random() < 0.8 else [rng.choice((1, 2)) for _ in size]
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        found: dict[str, Any] = {"kernel_shape": kernel, "strides": stride}
        if dilation != [1, 1]:
            found["dilations"] = dilation
        auto = rng.choice(("NOTSET", "NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"))
        fits = dilation == [1, 1] and all(k >= s for k, s in zip(kernel, stride, strict=True))
        if auto != "NOTSET" and fits:
            found["auto_pad"] = auto
            made = [
                -(-n // s) if auto != "VALID" else (n - r) // s + 1
                for n, s, r in zip(size, stride, reach, strict=True)
            ]
        else:
            pads = [rng.randint(0, min(k - 1, 2)) for k in (*kernel, *kernel)]
            found["pads"] = pads
            up = pools and rng.random() < 0.3
            if up:
                found["ceil_mode"] = 1
            made = list[int]()
            for i, n in enumerate(size):
                room = n + pads[i] + pads[i + 2] - reach[i]
                count = (-(-room // stride[i]) if up else room // stride[i]) + 1
                if up and (count - 1) * stride[i] >= n + pads[i]:
                    return None  # the last window begins outside, where ONNX and its runtimes differ
                made.append(count)
        if min(made) < 1 or any(n < r for n, r in zip(size, reach, strict=True)):
            return None
        return {**found, "made": tuple(made)}

    def convolution(self) -> None:
        x = self.pick()
        channels, *size = self.shapes[x]
        window = self.sliding((size[0], size[1]))
        if window is None:
            return
        height, width = window.pop("made")
        group = channels if self.rng.random() < 0.3 else 1
        made = channels if group > 1 and self.rng.random() < 0.7 else self.rng.choice((2, 4, 8, 24)) * group
        made = min(made, 2 * channels) if group > 1 else made
        kernel: list[int] = window["kernel_shape"]
        weights = self.parameter((made, channels // group, *kernel), 0.3)
        inputs = [x, weights, self.parameter((made,))] if self.rng.random() < 0.7 else [x, weights]
        self.add("Conv", inputs, (made, height, width), group=group, **window)

    def pool(self) -> None:
        x = self.pick()
        channels, *size = self.shapes[x]
        window = self.sliding((size[0], size[1]), pools=True)
        if window is None:
            return
        height, width = window.pop("made")
        kind = self.rng.choice(("MaxPool", "AveragePool"))
        if kind == "AveragePool" and self.rng.random() < 0.5:
            window["count_include_pad"] = 1
        self.add(kind, [x], (channels, height, width), **window)

    def element_wise(self) -> None:
        x = self.pick()
        self.add(self.rng.choice(("Relu", "Sigmoid", "Tanh", "LeakyRelu", "Elu")), [x], self.shapes[x])

    def binary(self) -> None:
        x = self.pick()
        fitting = [name for name, shape in self.shapes.items() if shape == self.shapes[x]]
        other = self.rng.choice(fitting)
        if self.rng.random() < 0.2:
            other = self.parameter((self.shapes[x][0], 1, 1))
        self.add(self.rng.choice(("Add", "Mul", "Sub", "Max")), [x, other], self.shapes[x])

    def normalize(self) -> None:
        x = self.pick()
        channels = self.shapes[x][0]
        inputs = [x, *(self.parameter((channels,)) for _ in range(3))]
        self.parameters.append(
            numpy_helper.from_array(np.ones(channels, self.element), f"v{len(self.parameters)}")
        )
        self.add("BatchNormalization", [*inputs, self.parameters[-1].name], self.shapes[x])

    def concat(self) -> None:
        x = self.pick()
        fitting = [name for name, shape in self.shapes.items() if shape[1:] == self.shapes[x][1:]]
        parts = [x, *(self.rng.choice(fitting) for _ in range(self.rng.randint(1, 2)))]
        channels = sum(self.shapes[name][0] for name in parts)
        if channels <= 64:
            self.add("Concat", parts, (channels, *self.shapes[x][1:]), axis=self.rng.choice((1, -3)))

    def split(self) -> None:
        x = self.pick()
        channels, height, width = self.shapes[x]
        if channels < 2:
            return
        first = self.rng.randint(1, channels - 1)
        names = [f"t{len(self.shapes) + i}" for i in range(2)]
        sizes = [first, channels - first]
        if self.opset < 13:
            self.nodes.append(helper.make_node("Split", [x], names, axis=1, split=sizes))
        else:
            self.nodes.append(helper.make_node("Split", [x, self.integers(sizes)], names, axis=1))
        for name, size in zip(names, sizes, strict=True):
            self.shapes[name] = (size, height, width)

    def pad(self) -> None:
        x = self.pick()
        channels, height, width = self.shapes[x]
        pads = [0, 0, *(self.rng.randint(-1, 2) for _ in range(2)), 0, 0]
        pads += [self.rng.randint(-1, 2) for _ in range(2)]
        made = channels, height + pads[2] + pads[6], width + pads[3] + pads[7]
        if min(made) > 0:
            mode = self.rng.choice(("constant", "constant", "edge")) if min(pads) >= 0 else "constant"
            self.add("Pad", [x, self.integers(pads)], made, mode=mode)

    def resize(self) -> None:
        x = self.pick()
        channels, height, width = self.shapes[x]
        mode = self.rng.choice(("nearest", "linear"))
        factor = self.rng.choice((2, 3) if mode == "nearest" else (2, 4))
        if height * factor > 64 or width * factor > 64:
            return
        scales = f"w{len(self.parameters)}"
        values = np.array([1, 1, factor, factor], np.float32)
        self.parameters.append(numpy_helper.from_array(values, scales))
        rest: dict[str, Any] = {"mode": mode, "coordinate_transformation_mode": "half_pixel"}
        if mode == "nearest" and self.rng.random() < 0.6:
            rest = {"mode": mode, "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        roi = "" if self.opset > 11 else self.parameter((0,))
        self.add("Resize", [x, roi, scales], (channels, height * factor, width * factor), **rest)

    def transposed(self) -> None:
        rng, x = self.rng, self.pick()
        channels, *size = self.shapes[x]
        kernel, stride = [rng.randint(1, 4) for _ in size], [rng.randint(1, 3) for _ in size]
        pads = [rng.randint(0, min(1, k - 1)) for k in (*kernel, *kernel)]
        beyond = [rng.randint(0, s - 1) for s in stride]
        made = [
            (n - 1) * s - pads[i] - pads[i + 2] + k + beyond[i]
            for i, (n, s, k) in enumerate(zip(size, stride, kernel, strict=True))
        ]
        if min(made) < 1 or max(made) > 64:
            return
        filters = rng.choice((1, 3, 6))
        inputs = [x, self.parameter((channels, filters, *kernel), 0.3)]
        self.add(
            "ConvTranspose",
            inputs,
            (filters, made[0], made[1]),
            strides=stride,
            pads=pads,
            output_padding=beyond,
            kernel_shape=kernel,
        )

    def blocks(self) -> None:
        x = self.pick()
        channels, height, width = self.shapes[x]
        if channels % 4 == 0 and max(height, width) <= 32:
            mode = self.rng.choice(("DCR", "CRD"))
            made = channels // 4, height * 2, width * 2
            self.add("DepthToSpace", [x], made, blocksize=2, mode=mode)
        elif height % 2 == width % 2 == 0 and channels <= 12:
            self.add("SpaceToDepth", [x], (channels * 4, height // 2, width // 2), blocksize=2)

    def gate(self) -> None:
        """A tensor of one pixel, multiplied with an image (squeeze and excitation)."""
        x = self.pick()
        channels = self.shapes[x][0]
        pooled = self.add("GlobalAveragePool", [x], (channels, 1, 1))
        gate = self.add("Sigmoid", [pooled], (channels, 1, 1))
        if self.rng.random() < 0.5:
            gate = self.add("Conv", [gate, self.parameter((channels, channels, 1, 1))], (channels, 1, 1))
        self.add("Mul", [x, gate] if self.rng.random() < 0.5 else [gate, x], self.shapes[x])

    def barrier(self) -> None:
        x = self.pick()
        channels, height, width = self.shapes[x]
        self.add("Transpose", [x], (channels, width, height), perm=[0, 1, 3, 2])

    def softmax(self) -> None:
        x = self.pick()
        self.add("Softmax", [x], self.shapes[x], axis=1)

    def quantize(self) -> None:
        x = self.pick()
        zero = f"w{len(self.parameters)}"
        self.parameters.append(numpy_helper.from_array(np.array(self.rng.randint(-9, 9), np.int8), zero))
        scale = f"w{len(self.parameters)}"
        self.parameters.append(numpy_helper.from_array(np.array(0.05, self.element), scale))
        self.nodes.append(helper.make_node("QuantizeLinear", [x, scale, zero], [f"q{len(self.nodes)}"]))
        self.add("DequantizeLinear", [self.nodes[-1].output[0], scale, zero], self.shapes[x])


def random_model(rng: Random, operators: int) -> Model:
    """A network of about so many operators."""
    return load(RandomNetwork(rng, operators).model())


def ordered(model: Model, rng: Random, target: Target | None = None) -> OrderedNetwork:
    """The network along a random order."""
    wanted = target or load_target(rng.choice(("default", "none", "hmcos", "onnxruntime")))
    each = Upkeep((1,) * len(model.graph.operators), 1, 1, 1)
    rules = Rules(wanted, rng.choice((1, 1, 16, 64)), SPELLING, external_io=rng.random() < 0.2, upkeep=each)
    network = along(model.graph, ONNX.windows(model), rules)
    order = random_order(network.problem, rng)
    numbers = [network.sharing.numbers[i] for i in order]
    return along(model.graph, network.windows, rules, numbers)


def random_regions(
    network: OrderedNetwork, rng: Random, tries: int = 12, *, rounding: bool = False
) -> list[TiledRegion]:
    """Regions that can be cut and do not overlap, in their order; perhaps none."""
    costing, found = Costing(network), list[TiledRegion]()
    for _ in range(tries):
        begin = rng.randrange(len(network))
        end = min(len(network), begin + 1 + int(rng.expovariate(0.2)))
        rows, columns = rng.choice(((2, 1), (3, 1), (4, 1), (7, 1), (1, 2), (2, 2), (3, 2), (1, 4)))
        if any(begin < other.end and other.begin < end for other in found):
            continue
        pieces = costing.pieces(begin, end, rows, columns)
        if pieces is not None and (rounding or costing.keeps_bits(begin, end, rows, columns)):
            early = rng.choice((None, None, rng.randrange(1, rows * columns)))
            found.append(TiledRegion(begin, end, rows, columns, early))
    return sorted(found)


def written(network: OrderedNetwork, model: Model, regions: Sequence[TiledRegion]) -> tuple[Graph, Model]:
    """The tiled network, as the neutral graph and as the written model."""
    rewrite = expand(network, regions)
    return rewritten(network.graph, rewrite, SPELLING), ONNX.rewritten(model, rewrite)


def recounted(network: OrderedNetwork, graph: Graph) -> int:
    """The peak of a graph in its own order, counted as that of the network."""
    rules = network.rules
    problem = lower(graph, rules.target, alignment=rules.alignment).problem
    problem = without_external(problem) if rules.external_io else problem
    return peak(problem, range(problem.operators))


def predicted(network: OrderedNetwork, regions: Sequence[TiledRegion]) -> int:
    """The peak of the tiled network as the costs of its regions tell it."""
    tiled = {p for region in regions for p in range(region.begin, region.end)}
    outside = (needed for p, needed in enumerate(network.profile.running) if p not in tiled)
    costs = (found.peak for region in regions if (found := cost(network, region)) is not None)
    return max(network.profile.start, *outside, *costs, 0)


def session_of(proto: ModelProto) -> Any:
    """A session of ONNX Runtime with one thread and nothing fused."""
    runtime: Any = onnxruntime
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    return runtime.InferenceSession(proto.SerializeToString(), options)


def values(model: Model, names: Sequence[str], seed: int) -> list[Any]:
    """What ONNX Runtime computes for some tensors, with one thread and nothing fused."""
    proto = ModelProto()
    proto.CopyFrom(model.proto)  # pyright: ignore
    had = {output.name for output in proto.graph.output}
    proto.graph.output.extend(helper.make_empty_tensor_value_info(n) for n in names if n not in had)
    session = session_of(proto)
    fed = proto.graph.input[0].type.tensor_type
    shape = tuple(dim.dim_value for dim in fed.shape.dim)
    data = np.random.default_rng(seed).standard_normal(shape)
    data = data.astype(helper.tensor_dtype_to_np_dtype(fed.elem_type))
    return session.run(list(names), {proto.graph.input[0].name: data})


def shared_names(model: Model, tiled: Model) -> list[str]:
    """The tensors that both a model and its tiled form make."""
    made = [{t.name for t in each.graph.tensors if not t.is_parameter} for each in (model, tiled)]
    return [t.name for t in model.graph.tensors if t.name in made[0] & made[1]]
