"""Write networks whose order decides how much memory a process takes: a fan, and a decoder like a U-Net.

python benchmarks/memory/networks.py FOLDER
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from onnx import GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, helper

BRANCHES = 12


def fan(branches: int = BRANCHES, side: int = 512) -> ModelProto:
    """Return branches of 16 channels that are made one after the other, and reduced after that."""
    wide = [
        helper.make_node("Sqrt" if k % 2 else "Exp", ["x"], [f"wide{k}"], name=f"wide{k}")
        for k in range(branches)
    ]
    small = [
        helper.make_node("ReduceMean", [f"wide{k}", "axes"], [f"small{k}"], name=f"small{k}")
        for k in range(branches)
    ]
    total = helper.make_node("Sum", [f"small{k}" for k in range(branches)], ["y"], name="sum")
    return _model(
        helper.make_graph(
            [*wide, *small, total],
            "fan",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 16, side, side])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 16, 1, 1])],
            [helper.make_tensor("axes", TensorProto.INT64, [2], [2, 3])],
        )
    )


def decoder(levels: int = 5, side: int = 256, channels: int = 16) -> ModelProto:
    """Return a U-Net with a head at every level: all are widened to full size before any head reads them.

    Exporters that go through modules in the order of their definition write such files.
    """
    nodes = [_conv("stem", "x", "e0", (channels, 3, 3))]
    nodes += [_pool(f"e{k - 1}", f"e{k}") for k in range(1, levels)]
    above = f"e{levels - 1}"
    decoded = [above]
    for k in reversed(range(levels - 1)):
        nodes.append(_resize(above, f"u{k}", 2))
        nodes.append(helper.make_node("Add", [f"u{k}", f"e{k}"], [f"s{k}"], name=f"skip{k}"))
        nodes.append(_conv(f"merge{k}", f"s{k}", f"d{k}", (channels, channels, 3)))
        above = f"d{k}"
        decoded.append(above)
    scales = [2 ** (levels - 1 - k) for k in range(levels)]
    nodes += [_resize(read, f"full{k}", scales[k]) for k, read in enumerate(decoded)]
    nodes += [_conv(f"head{k}", f"full{k}", f"h{k}", (1, channels, 1)) for k in range(levels)]
    nodes.append(helper.make_node("Sum", [f"h{k}" for k in range(levels)], ["y"], name="sum"))
    merges = [_weights(f"merge{k}", (channels, channels, 3, 3)) for k in range(levels - 1)]
    heads = [_weights(f"head{k}", (1, channels, 1, 1)) for k in range(levels)]
    sizes = [helper.make_tensor(f"x{n}", TensorProto.FLOAT, [4], [1, 1, n, n]) for n in sorted({2, *scales})]
    return _model(
        helper.make_graph(
            nodes,
            "decoder",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, side, side])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, side, side])],
            [_weights("stem", (channels, 3, 3, 3)), *merges, *heads, *sizes],
        )
    )


def _resize(read: str, made: str, scale: int) -> NodeProto:
    return helper.make_node("Resize", [read, "", f"x{scale}"], [made], name=f"resize_{made}")


def _conv(name: str, read: str, made: str, shape: tuple[int, int, int]) -> NodeProto:
    pad = shape[2] // 2
    return helper.make_node(
        "Conv", [read, f"{name}.weight"], [made], name=name, kernel_shape=[shape[2]] * 2, pads=[pad] * 4
    )


def _pool(read: str, made: str) -> NodeProto:
    return helper.make_node(
        "MaxPool", [read], [made], name=f"pool_{made}", kernel_shape=[2, 2], strides=[2, 2]
    )


def _weights(name: str, shape: tuple[int, ...]) -> TensorProto:
    draw, count = random.Random(name), 1
    for size in shape:
        count *= size
    values = [draw.uniform(-0.1, 0.1) for _ in range(count)]
    return helper.make_tensor(f"{name}.weight", TensorProto.FLOAT, shape, values)


def _model(graph: GraphProto) -> ModelProto:
    return helper.make_model(graph, opset_imports=[OperatorSetIdProto(version=18)], ir_version=9)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in (("fan", fan()), ("decoder", decoder())):
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
