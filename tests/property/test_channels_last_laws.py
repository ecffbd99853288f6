"""Laws of tiling where the channels are the last axis: cost as recounted, and the same bits."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from hmcos.frontends.loading import load
from hmcos.frontends.onnx.format import ONNX
from hmcos.transforms.cost import cost
from hmcos.transforms.ordered_network import along
from property.tile_networks import (
    ordered,
    predicted,
    random_regions,
    recounted,
    shared_names,
    values,
    written,
)


class LastNetwork:
    """Grows a network along the last axis, of an image or of a sequence."""

    def __init__(self, rng: Random, operators: int) -> None:
        self.rng, self.nodes = rng, list[NodeProto]()
        self.parameters: list[TensorProto] = []
        self.data = np.random.default_rng(rng.randrange(2**32))
        self.first = (rng.randint(4, 12), rng.randint(4, 12)) if rng.random() < 0.5 else (rng.randint(5, 40),)
        self.channels = {"x": rng.choice((3, 8, 16, 48))}
        while len(self.nodes) < operators:
            rng.choice(self.kinds())()

    def kinds(self) -> tuple[Callable[[], None], ...]:
        return (
            self.product,
            self.product,
            self.element_wise,
            self.binary,
            self.norm,
            self.parts,
            self.attention,
        )

    def shape(self, name: str) -> tuple[int, ...]:
        return (1, *self.first, self.channels[name])

    def parameter(self, *shape: int) -> str:
        name = f"w{len(self.parameters)}"
        value = (self.data.standard_normal(shape) * 0.4).astype(np.float32)
        self.parameters.append(numpy_helper.from_array(value, name))
        return name

    def pick(self, channels: int | None = None) -> str:
        names = [n for n, c in self.channels.items() if channels in (None, c)]
        return names[-1 - min(int(self.rng.expovariate(0.7)), len(names) - 1)]

    def add(self, kind: str, inputs: list[str], channels: int, **attributes: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        self.channels[name] = channels
        return name

    def product(self) -> None:
        x, made = self.pick(), self.rng.choice((1, 8, 16, 33, 64))
        y = self.add("MatMul", [x, self.parameter(self.channels[x], made)], made)
        if self.rng.random() < 0.7:
            self.add("Add", [y, self.parameter(made)], made)

    def element_wise(self) -> None:
        x = self.pick()
        if self.rng.random() < 0.2:
            self.parameters.append(
                helper.make_tensor(f"w{len(self.parameters)}", TensorProto.FLOAT, [], [2.0])
            )
            self.add("Pow", [x, self.parameters[-1].name], self.channels[x])
        else:
            self.add(self.rng.choice(("Relu", "Erf", "Sigmoid", "Tanh", "Exp")), [x], self.channels[x])

    def binary(self) -> None:
        x = self.pick()
        other = self.pick(self.channels[x]) if self.rng.random() < 0.7 else self.parameter(self.channels[x])
        self.add(self.rng.choice(("Add", "Mul", "Sub")), [x, other], self.channels[x])

    def norm(self) -> None:
        x, rng = self.pick(), self.rng
        channels = self.channels[x]
        whole = rng.choice(("LayerNormalization", "Softmax", "mean"))
        if whole == "Softmax":
            self.add("Softmax", [x], channels, axis=-1)
        elif whole == "LayerNormalization":
            self.add(whole, [x, self.parameter(channels), self.parameter(channels)], channels, axis=-1)
        else:
            kind = rng.choice(("ReduceMean", "ReduceMean", "ReduceMax", "ReduceL2"))
            mean = self.add(kind, [x], 1, axes=[len(self.first) + 1], keepdims=1)
            del self.channels[mean]
            self.add("Sub", [x, mean], channels)

    def attention(self) -> None:
        """Scores of all tokens against those of another tensor, and the mean of its values by them."""
        x = self.pick()
        other, channels, tokens = self.pick(self.channels[x]), self.channels[x], self.first[-1]
        axes = list(range(len(self.first) + 2))
        keys = self.add("Transpose", [other], 0, perm=[*axes[:-2], axes[-1], axes[-2]])
        del self.channels[keys]
        scores = self.add("MatMul", [x, keys], tokens)
        weights = self.add("Softmax", [scores], tokens, axis=-1)
        self.add("MatMul", [weights, other], channels)

    def parts(self) -> None:
        x = self.pick()
        y = self.pick()
        if self.channels[x] + self.channels[y] <= 128:
            self.add("Concat", [x, y], self.channels[x] + self.channels[y], axis=-1)

    def model(self) -> ModelProto:
        read = {name for node in self.nodes for name in node.input}
        outputs = [name for node in self.nodes for name in node.output if name not in read]
        graph = helper.make_graph(
            self.nodes,
            "last",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape("x"))],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs],
            self.parameters,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("seed", range(80))
def test_the_cost_is_what_the_written_model_needs_and_the_bits_are_the_same(seed: int) -> None:
    rng = Random(seed)
    model = load(LastNetwork(rng, rng.randint(3, 16)).model())
    network = ordered(model, rng)
    regions = random_regions(network, rng, 20)
    graph, tiled = written(network, model, regions)
    costs = [found for region in regions if (found := cost(network, region)) is not None]
    assert predicted(network, regions) == recounted(network, graph) == recounted(network, tiled.graph)
    counted = along(tiled.graph, ONNX.windows(tiled), network.rules).macs
    assert sum(found.macs for found in costs) == counted - network.macs
    names = shared_names(model, tiled)
    for name, before, after in zip(
        names, values(model, names, seed), values(tiled, names, seed), strict=True
    ):
        assert np.array_equal(before, after, equal_nan=True), name


def test_most_of_them_can_be_cut() -> None:
    found = 0
    for seed in range(30):
        rng = Random(seed)
        network = ordered(load(LastNetwork(rng, 12).model()), rng)
        found += bool(random_regions(network, rng, 20))
    assert found > 20
