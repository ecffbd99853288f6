"""Small TensorFlow Lite models, made with the schema's own classes."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import hmcos
from hmcos.frontends.tflite.schema import ModelT
from hmcos.frontends.tflite.writing import pack
from hmcos.plan.plan import Plan

S: Any = import_module("ai_edge_litert.schema_py_generated")
NUMPY: Any = import_module("numpy")
_OPTIONS = {
    "ADD": "AddOptions",
    "CONCATENATION": "ConcatenationOptions",
    "GATHER": "GatherOptions",
    "IF": "IfOptions",
    "WHILE": "WhileOptions",
    "CALL_ONCE": "CallOnceOptions",
    "SVDF": "SVDFOptions",
    "TRANSPOSE_CONV": "TransposeConvOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "LESS": "LessOptions",
    "RESHAPE": "ReshapeOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "SUM": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "REDUCE_MIN": "ReducerOptions",
    "ARG_MAX": "ArgMaxOptions",
    "MUL": "MulOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
    "SOFTMAX": "SoftmaxOptions",
    "SPACE_TO_DEPTH": "SpaceToDepthOptions",
    "SPLIT": "SplitOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "SUB": "SubOptions",
    "TRANSPOSE": "TransposeOptions",
}


class Sketch:
    """A model in the making: subgraphs of tensors and operators, by number."""

    def __init__(self) -> None:
        self.model: Any = S.ModelT(
            version=3, operatorCodes=[], subgraphs=[], description="a test", buffers=[S.BufferT()]
        )

    def subgraph(self, name: str = "main") -> int:
        """Return the number of a new subgraph, empty."""
        graph = S.SubGraphT(tensors=[], inputs=[], outputs=[], operators=[], name=name)
        self.model.subgraphs.append(graph)
        return len(self.model.subgraphs) - 1

    def tensor(self, shape: list[int], element: str = "INT8", data: object = None, **more: Any) -> int:
        """Return the number of a new tensor in the latest subgraph; `data` makes it a constant."""
        buffer = 0
        if data is not None:
            self.model.buffers.append(S.BufferT(list(NUMPY.asarray(data).tobytes())))
            buffer = len(self.model.buffers) - 1
        tensors = self.model.subgraphs[-1].tensors
        quantized = S.QuantizationParametersT(scale=[0.5], zeroPoint=[0]) if element == "INT8" else None
        tensor = S.TensorT(
            shape=shape,
            type=getattr(S.TensorType, element),
            buffer=buffer,
            name=f"t{len(tensors)}",
            quantization=quantized,
        )
        for field, value in more.items():
            setattr(tensor, field, value)
        tensors.append(tensor)
        return len(tensors) - 1

    def operator(self, kind: str, inputs: list[int], outputs: list[int], **options: Any) -> None:
        """Append an operator to the latest subgraph."""
        made = S.OperatorT(opcodeIndex=self.code(kind), inputs=inputs, outputs=outputs)
        if kind in _OPTIONS:
            made.builtinOptionsType = getattr(S.BuiltinOptions, _OPTIONS[kind])
            made.builtinOptions = getattr(S, f"{_OPTIONS[kind]}T")(**options)
        self.model.subgraphs[-1].operators.append(made)

    def code(self, kind: str) -> int:
        """Return the number of an operator code; a kind that the schema lacks is a custom one."""
        known = hasattr(S.BuiltinOperator, kind)
        number = getattr(S.BuiltinOperator, kind if known else "CUSTOM")
        self.model.operatorCodes.append(
            S.OperatorCodeT(
                deprecatedBuiltinCode=min(number, 127),
                builtinCode=number,
                version=1,
                customCode=None if known else kind,
            )
        )
        return len(self.model.operatorCodes) - 1

    def ports(self, inputs: list[int], outputs: list[int]) -> None:
        """Say what goes in and out of the latest subgraph."""
        self.model.subgraphs[-1].inputs, self.model.subgraphs[-1].outputs = inputs, outputs

    def bytes(self) -> bytes:
        """Return the file."""
        return pack(cast(ModelT, self.model))


def planned(sketch: Sketch, folder: Path) -> tuple[Plan, bytes]:
    """Return the plan of a model and the file that was written."""
    source = folder / "model.tflite"
    source.write_bytes(sketch.bytes())
    plan = hmcos.schedule(source, output=folder / "out")
    return plan, (folder / "out" / "model.tflite").read_bytes()


def renamed(sketch: Sketch, name_of: Callable[[int], str | None]) -> Sketch:
    """Return the sketch after its tensors got other names, by their numbers."""
    for graph in sketch.model.subgraphs:
        for t, tensor in enumerate(graph.tensors):
            tensor.name = name_of(t)
    return sketch


def branches(width: int = 256, number: int = 3) -> Sketch:
    """Return an input that is spread into wide tensors, all made before any is made small again."""
    sketch = Sketch()
    sketch.subgraph()
    fed = sketch.tensor([1, 16])
    wide = [sketch.tensor([1, width]) for _ in range(number)]
    small = [sketch.tensor([1, 1]) for _ in range(number)]
    result = sketch.tensor([1, number])
    weights = sketch.tensor([width, 16], data=NUMPY.arange(width * 16).astype("int8"))
    back = sketch.tensor([1, width], data=NUMPY.arange(width).astype("int8"))
    for t in wide:
        sketch.operator("FULLY_CONNECTED", [fed, weights, -1], [t])
    for t, s in zip(wide, small, strict=True):
        sketch.operator("FULLY_CONNECTED", [t, back, -1], [s])
    sketch.operator("CONCATENATION", small, [result], axis=1)
    sketch.ports([fed], [result])
    return sketch


def loop() -> Sketch:
    """Return a counter and a value that a WHILE adds to itself five times, through a wide tensor."""
    sketch = Sketch()
    sketch.subgraph()
    count, fed = sketch.tensor([1], "INT32"), sketch.tensor([1, 40], "FLOAT32")
    ended, before = sketch.tensor([1], "INT32"), sketch.tensor([1, 40], "FLOAT32")
    after, made = sketch.tensor([1, 40], "FLOAT32"), sketch.tensor([1, 40], "FLOAT32")
    sketch.operator("ADD", [fed, fed], [before])
    sketch.operator("WHILE", [count, before], [ended, after], condSubgraphIndex=1, bodySubgraphIndex=2)
    sketch.operator("ADD", [after, fed], [made])
    sketch.ports([count, fed], [ended, made])
    sketch.subgraph("cond")
    count, fed = sketch.tensor([1], "INT32"), sketch.tensor([1, 40], "FLOAT32")
    five, goes_on = sketch.tensor([1], "INT32", data=NUMPY.array([5], "int32")), sketch.tensor([1], "BOOL")
    sketch.operator("LESS", [count, five], [goes_on])
    sketch.ports([count, fed], [goes_on])
    sketch.subgraph("body")
    count, fed = sketch.tensor([1], "INT32"), sketch.tensor([1, 40], "FLOAT32")
    one, next_count = sketch.tensor([1], "INT32", data=NUMPY.array([1], "int32")), sketch.tensor([1], "INT32")
    wide, sums = sketch.tensor([1, 80], "FLOAT32"), sketch.tensor([1, 40], "FLOAT32")
    sketch.operator("CONCATENATION", [fed, fed], [wide], axis=1)
    sketch.operator("ADD", [count, one], [next_count])
    sketch.operator("ADD", [fed, fed], [sums])
    sketch.ports([count, fed], [next_count, sums])
    return sketch


def one_operator(kind: str = "ADD", element: str = "INT8", shape: list[int] | None = None) -> Sketch:
    """Return a model of one operator, from one input to one output."""
    sketch = Sketch()
    sketch.subgraph()
    fed, made = sketch.tensor(shape or [1, 4], element), sketch.tensor(shape or [1, 4], element)
    sketch.operator(kind, [fed, fed], [made])
    sketch.ports([fed], [made])
    return sketch


def conditional() -> Sketch:
    """Return a model with an IF whose branches are subgraphs 1 and 2."""
    sketch = Sketch()
    sketch.subgraph()
    choice, fed, made = sketch.tensor([1], "BOOL"), sketch.tensor([1, 100]), sketch.tensor([1, 100])
    sketch.operator("IF", [choice, fed], [made], thenSubgraphIndex=1, elseSubgraphIndex=2)
    sketch.ports([choice, fed], [made])
    for name, kind in (("then", "ADD"), ("else", "MUL")):
        sketch.subgraph(name)
        fed, inner, made = (sketch.tensor([1, 100]) for _ in range(3))
        sketch.operator(kind, [fed, fed], [inner])
        sketch.operator(kind, [inner, fed], [made])
        sketch.ports([fed], [made])
    return sketch


def filtered(sketch: Sketch, x: int, made: list[int], stride: int = 1) -> int:
    """Return what 3 x 3 filters make of an image."""
    channels = sketch.model.subgraphs[0].tensors[x].shape[3]
    numbers = NUMPY.ones([made[3], 3, 3, channels], "int8")
    weights = sketch.tensor(
        [*numbers.shape],
        "INT8",
        numbers,
        quantization=S.QuantizationParametersT(scale=[0.004], zeroPoint=[0]),
    )
    y = sketch.tensor(made)
    sketch.operator("CONV_2D", [x, weights], [y], padding=S.Padding.SAME, strideH=stride, strideW=stride)
    return y
