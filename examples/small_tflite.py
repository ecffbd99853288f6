"""Write a small int8 model for microcontrollers, to try out commands.

python examples/small_tflite.py branches.tflite

The input (64 bytes) goes into four branches. Each widens it to 2,048 bytes and narrows it to 16 again. The
file makes all wide tensors first, as level-by-level converters do: all are live at once.
Needs the packages ai-edge-litert (for the schema of the format) and flatbuffers.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

SCHEMA: Any = import_module("ai_edge_litert.schema_py_generated")
FLATBUFFERS: Any = import_module("flatbuffers")
INPUT, WIDE, NARROW, BRANCHES = 64, 2048, 16, 4


class Drawing:
    """A model under construction: tensors and operators by number."""

    def __init__(self) -> None:
        codes = [self.code("FULLY_CONNECTED"), self.code("CONCATENATION")]
        graph = SCHEMA.SubGraphT(tensors=[], inputs=[], outputs=[], operators=[], name="main")
        self.model: Any = SCHEMA.ModelT(version=3, operatorCodes=codes, subgraphs=[graph])
        self.model.buffers = [SCHEMA.BufferT()]
        self.graph: Any = graph

    def code(self, kind: str) -> Any:
        number = getattr(SCHEMA.BuiltinOperator, kind)
        return SCHEMA.OperatorCodeT(deprecatedBuiltinCode=number, builtinCode=number, version=1)

    def tensor(self, name: str, *shape: int, data: bytes | None = None) -> int:
        """Return the number of a new int8 tensor; `data` makes it a weight."""
        buffer = 0
        if data is not None:
            self.model.buffers.append(SCHEMA.BufferT(list(data)))
            buffer = len(self.model.buffers) - 1
        scale = SCHEMA.QuantizationParametersT(scale=[0.5], zeroPoint=[0])
        kind = SCHEMA.TensorType.INT8
        self.graph.tensors.append(SCHEMA.TensorT(list(shape), kind, buffer, name, quantization=scale))
        return len(self.graph.tensors) - 1

    def connect(self, source: int, outputs: int, inputs: int, name: str) -> int:
        """Return the tensor that a fully connected layer makes."""
        weights = bytes((7 * number) % 5 for number in range(outputs * inputs))
        made = self.tensor(name, 1, outputs)
        read = [source, self.tensor(f"{name} weights", outputs, inputs, data=weights), -1]
        self.operator(0, read, made, "FullyConnectedOptions")
        return made

    def operator(self, code: int, inputs: list[int], output: int, options: str, **values: int) -> None:
        made = SCHEMA.OperatorT(opcodeIndex=code, inputs=inputs, outputs=[output])
        made.builtinOptionsType = getattr(SCHEMA.BuiltinOptions, options)
        made.builtinOptions = getattr(SCHEMA, f"{options}T")(**values)
        self.graph.operators.append(made)


def small_model() -> bytes:
    """Return the file."""
    drawing = Drawing()
    fed = drawing.tensor("input", 1, INPUT)
    wide = [drawing.connect(fed, WIDE, INPUT, f"wide {number}") for number in range(BRANCHES)]
    narrow = [drawing.connect(tensor, NARROW, WIDE, f"narrow {number}") for number, tensor in enumerate(wide)]
    joined = drawing.tensor("joined", 1, NARROW * BRANCHES)
    drawing.operator(1, narrow, joined, "ConcatenationOptions", axis=1)
    drawing.graph.inputs, drawing.graph.outputs = [fed], [joined]
    builder = FLATBUFFERS.Builder(1 << 20)
    builder.Finish(drawing.model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(small_model())
