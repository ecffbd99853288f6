"""Write large models, to schedule with a limit of time and memory: many operators, many weights, many inputs.

    python benchmarks/speed/large.py FOLDER [unrolled] [weights] [million] [wide]

unrolled is a transformer of 2,000 blocks with 100,000 operators; weights has 8 GB of external data in a file
of holes, which takes no room on the disk; million has 1,000,000 operators; wide has 400 operators of 2,500
inputs each. Without names, all are written.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from os import truncate
from pathlib import Path
from typing import Any

from onnx import GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, helper

WIDTH, LENGTH, HEADS = 16, 8, 2
"""Of the transformer: elements of a token, tokens, heads."""


class Blocks:
    """The nodes and weights of a transformer as exporters write it: every operator by itself."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = [
            helper.make_tensor("split", TensorProto.INT64, [4], [1, LENGTH, HEADS, WIDTH // HEADS]),
            helper.make_tensor("joined", TensorProto.INT64, [3], [1, LENGTH, WIDTH]),
            helper.make_tensor("last", TensorProto.INT64, [1], [-1]),
        ]
        self.weights += [
            helper.make_tensor(name, TensorProto.FLOAT, [], [value])
            for name, value in (("half", 0.5), ("one", 1.0), ("two", 2.0), ("tiny", 1e-5), ("root", 2**0.5))
        ]

    def add(self, kind: str, *reads: str, **attributes: Any) -> str:
        """Add an operator and return the tensor that it makes."""
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, reads, [name], name=f"op{len(self.nodes)}", **attributes))
        return name

    def weight(self, *shape: int) -> str:
        """Add a weight and return its name."""
        name = f"weight_{len(self.weights)}"
        count = 4 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        self.weights.append(
            TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, raw_data=bytes(count))
        )
        return name

    def linear(self, read: str, width: int, made: int) -> str:
        """Add a product with a weight and a bias."""
        return self.add("Add", self.add("MatMul", read, self.weight(width, made)), self.weight(made))

    def norm(self, read: str) -> str:
        """Add a layer normalization in nine operators."""
        off = self.add("Sub", read, self.add("ReduceMean", read, "last"))
        spread = self.add("ReduceMean", self.add("Pow", off, "two"), "last")
        root = self.add("Sqrt", self.add("Add", spread, "tiny"))
        scaled = self.add("Mul", self.add("Div", off, root), self.weight(WIDTH))
        return self.add("Add", scaled, self.weight(WIDTH))

    def block(self, read: str) -> str:
        """Add one block, 50 operators, and return the tensor that it makes."""
        entered = self.norm(read)
        queries, keys, values = (
            self.add("Transpose", self.add("Reshape", self.linear(entered, WIDTH, WIDTH), "split"), perm=perm)
            for perm in ((0, 2, 1, 3), (0, 2, 3, 1), (0, 2, 1, 3))
        )
        scores = self.add("Softmax", self.add("Div", self.add("MatMul", queries, keys), "root"), axis=-1)
        mixed = self.add("Transpose", self.add("MatMul", scores, values), perm=(0, 2, 1, 3))
        left = self.add("Add", read, self.linear(self.add("Reshape", mixed, "joined"), WIDTH, WIDTH))
        wide = self.linear(self.norm(left), WIDTH, 4 * WIDTH)
        bent = self.add("Add", self.add("Erf", self.add("Div", wide, "root")), "one")
        active = self.add("Mul", self.add("Mul", wide, bent), "half")
        return self.add("Identity", self.add("Add", left, self.linear(active, 4 * WIDTH, WIDTH)))


def unrolled(blocks: int = 2_000) -> ModelProto:
    """Return a transformer of so many blocks."""
    made, last = Blocks(), "x"
    for _ in range(blocks):
        last = made.block(last)
    return _model(made.nodes, ("x", [1, LENGTH, WIDTH]), (last, [1, LENGTH, WIDTH]), made.weights)


def million(operators: int = 1_000_000) -> ModelProto:
    """Return a chain of forks: two branches from each tensor, which are added."""
    nodes: list[NodeProto] = []
    last = "x"
    for k in range(operators // 4):
        a, b, c, d = (f"{letter}{k}" for letter in "abcd")
        nodes += [
            NodeProto(op_type="Exp", input=[last], output=[a]),
            NodeProto(op_type="Sqrt", input=[last], output=[b]),
            NodeProto(op_type="Relu", input=[b], output=[c]),
            NodeProto(op_type="Add", input=[a, c], output=[d]),
        ]
        last = d
    return _model(nodes, ("x", [8]), (last, [8]), [])


def wide(operators: int = 400, inputs: int = 2_500) -> ModelProto:
    """Return operators that read the same many tensors, of which a model has few."""
    reads = [f"x{k}" for k in range(inputs)]
    nodes = [NodeProto(op_type="Split", input=["x"], output=reads)]
    nodes[0].attribute.add().CopyFrom(helper.make_attribute("num_outputs", inputs))
    nodes += [NodeProto(op_type="Sum", input=reads, output=[f"s{k}"]) for k in range(operators - 2)]
    nodes.append(NodeProto(op_type="Sum", input=[f"s{k}" for k in range(operators - 2)], output=["y"]))
    return _model(nodes, ("x", [inputs]), ("y", [1]), [])


def weights(folder: Path, layers: int = 16) -> ModelProto:
    """Return a chain of products whose weights of 512 MiB each are in a file of holes in a folder."""
    side = 11_585  # of a square of 4-byte elements that takes 512 MiB
    nodes, stored, last, offset = list[NodeProto](), list[TensorProto](), "x", 0
    for k in range(layers):
        tensor = TensorProto(name=f"w{k}", data_type=TensorProto.FLOAT, dims=[side, side])
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", "weights.data"), ("offset", offset), ("length", 4 * side * side)):
            tensor.external_data.add(key=key, value=str(value))
        offset += -(-4 * side * side // 4096) * 4096
        stored.append(tensor)
        nodes.append(helper.make_node("MatMul", [last, f"w{k}"], [f"y{k}"]))
        last = f"y{k}"
    data = folder / "weights.data"
    data.write_bytes(b"begin")
    truncate(data, offset)
    return _model(nodes, ("x", [1, side]), (last, [1, side]), stored)


def _model(
    nodes: list[NodeProto],
    entering: tuple[str, list[int]],
    leaving: tuple[str, list[int]],
    stored: list[TensorProto],
) -> ModelProto:
    ends = [[helper.make_tensor_value_info(n, TensorProto.FLOAT, shape)] for n, shape in (entering, leaving)]
    graph = GraphProto(name="large", node=nodes, input=ends[0], output=ends[1], initializer=stored)
    return ModelProto(ir_version=10, graph=graph, opset_import=[OperatorSetIdProto(version=20)])


def main() -> None:
    """Write the models that are named."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    known: dict[str, Callable[[], ModelProto]] = {
        "unrolled": unrolled,
        "weights": lambda: weights(folder),
        "million": million,
        "wide": wide,
    }
    for name in sys.argv[2:] or known:
        place = folder / f"{name}.onnx"
        place.write_bytes(known[name]().SerializeToString())
        print(place)


if __name__ == "__main__":
    main()
