"""Make a small int8 network for 96 x 96 grey images, compile it to C that runs row by row, and run that.

python examples/compile_rows.py build/eyes

The folder gets eyes.tflite (a MobileNet with random weights), eyes.c, eyes.h, eyes.plan.json, eyes.html, and
main.c, which reads an image from standard input as a camera would give it: row by row.
Needs the package ai-edge-litert (for the schema of the format), flatbuffers, numpy, and a C compiler.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import hmcos

SCHEMA: Any = import_module("ai_edge_litert.schema_py_generated")
FLATBUFFERS: Any = import_module("flatbuffers")
NUMPY: Any = import_module("numpy")
SIDE, CLASSES = 96, 2
BLOCKS = ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (128, 1), (256, 2), (256, 1))
"""Channels and stride of each pair of a depthwise and a pointwise convolution."""
RELU6 = 3
MAIN = """#include "eyes.h"
#include <stdio.h>

int main(void)
{
    int8_t row[EYES_ROW_BYTES];
    while (fread(row, 1, sizeof row, stdin) == sizeof row) {
        if (eyes_push_row(row)) {  /* that was the last row of an image */
            printf("%d %d\\n", eyes_output()[0], eyes_output()[1]);
        }
    }
    return 0;
}
"""


class Network:
    """A network under construction: each method adds an operator and returns the tensor that it makes."""

    def __init__(self) -> None:
        self.rng: Any = NUMPY.random.default_rng(0)
        self.graph: Any = SCHEMA.SubGraphT(tensors=[], inputs=[], outputs=[], operators=[], name="main")
        self.model: Any = SCHEMA.ModelT(version=3, operatorCodes=[], subgraphs=[self.graph])
        self.model.buffers = [SCHEMA.BufferT()]

    def tensor(self, shape: list[int], scale: float, zero: int, data: Any = None) -> int:
        """Return a new tensor; `data` makes it a constant."""
        buffer = 0
        if data is not None:
            self.model.buffers.append(SCHEMA.BufferT(list(data.tobytes())))
            buffer = len(self.model.buffers) - 1
        wide = data is not None and data.itemsize > 1
        kind = SCHEMA.TensorType.INT32 if wide else SCHEMA.TensorType.INT8
        by = SCHEMA.QuantizationParametersT(scale=[scale], zeroPoint=[zero])
        name = f"tensor {len(self.graph.tensors)}"
        self.graph.tensors.append(SCHEMA.TensorT(shape, kind, buffer, name, quantization=by))
        return len(self.graph.tensors) - 1

    def operator(self, kind: str, inputs: list[int], output: int, options: str = "", **values: Any) -> int:
        number = getattr(SCHEMA.BuiltinOperator, kind)
        self.model.operatorCodes.append(
            SCHEMA.OperatorCodeT(deprecatedBuiltinCode=number, builtinCode=number, version=1)
        )
        made = SCHEMA.OperatorT(len(self.model.operatorCodes) - 1, inputs=inputs, outputs=[output])
        if options:
            made.builtinOptionsType = getattr(SCHEMA.BuiltinOptions, options)
            made.builtinOptions = getattr(SCHEMA, f"{options}T")(**values)
        self.graph.operators.append(made)
        return output

    def known(self, tensor: int) -> tuple[list[int], float]:
        """Return the shape and the scale of a tensor."""
        found = self.graph.tensors[tensor]
        return list(found.shape), float(found.quantization.scale[0])

    def convolution(self, fed: int, channels: int, stride: int = 1, kernel: int = 1) -> int:
        """Add a convolution with ReLU6, or without to the classes; depthwise between equal channels."""
        (_, side, _, before), scale = self.known(fed)
        depthwise = kernel > 1 and before == channels
        shape = [1, kernel, kernel, channels] if depthwise else [channels, kernel, kernel, before]
        terms = kernel * kernel * (1 if depthwise else before)
        unit = 1 / (90 * terms**0.5)  # the output then spreads as far as the input
        weights = self.tensor(shape, unit, 0, self.rng.integers(-127, 128, shape).astype("int8"))
        bias = self.rng.integers(-2000, 4000, channels).astype("int32")
        bias = self.tensor([channels], unit * scale, 0, bias)
        side = -(-side // stride)
        made = self.tensor([1, side, side, channels], scale, 0 if channels == CLASSES else -128)
        kind, options = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", "Conv2DOptions"
        values = {"strideH": stride, "strideW": stride}
        values["fusedActivationFunction"] = 0 if channels == CLASSES else RELU6
        if depthwise:
            options, values["depthMultiplier"] = "DepthwiseConv2DOptions", 1
        return self.operator(kind, [fed, weights, bias], made, options, **values)

    def pool(self, fed: int) -> int:
        """Add an average pool over the whole image."""
        (_, side, _, channels), scale = self.known(fed)
        made = self.tensor([1, 1, 1, channels], scale, -128)
        window = {"filterHeight": side, "filterWidth": side, "strideH": 1, "strideW": 1, "padding": 1}
        return self.operator("AVERAGE_POOL_2D", [fed], made, "Pool2DOptions", **window)

    def file(self) -> bytes:
        builder = FLATBUFFERS.Builder(1 << 20)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def small_network() -> bytes:
    """Return a MobileNet that fits a microcontroller, as a .tflite file."""
    network = Network()
    fed = network.tensor([1, SIDE, SIDE, 1], 1 / 255, -128)
    made = network.convolution(fed, 8, stride=2, kernel=3)
    for channels, stride in BLOCKS:
        before = network.known(made)[0][3]
        made = network.convolution(network.convolution(made, before, stride, kernel=3), channels)
    made = network.convolution(network.pool(made), CLASSES)
    network.graph.inputs, network.graph.outputs = [fed], [made]
    return network.file()


def main(place: str) -> None:
    folder = Path(place)
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "eyes.tflite"
    model.write_bytes(small_network())
    code = hmcos.compile_c(model, hmcos.Rows("rows"), output=folder / "eyes.c", overwrite=True)
    whole = code.plan.whole
    assert whole is not None
    print(f"whole tensors, best order: {whole.peak:,} bytes; row by row: {code.arena:,} bytes")
    (folder / "main.c").write_text(MAIN, encoding="utf-8")
    if shutil.which("cc") is None:
        print(f"no C compiler is installed, so the code in {folder} was not run")
        return
    program = folder.absolute() / "eyes"
    sources = [str(folder / "main.c"), str(folder / "eyes.c")]
    subprocess.run(["cc", "-std=c99", "-O2", "-Wall", "-o", str(program), *sources], check=True)
    image = NUMPY.random.default_rng(1).integers(-128, 128, (SIDE, SIDE)).astype("int8")
    ran = subprocess.run([str(program)], input=image.tobytes(), capture_output=True, check=True)
    print(f"output for a random image: {ran.stdout.decode().strip()}")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["eyes"]))
