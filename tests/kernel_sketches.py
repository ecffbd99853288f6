"""A small TensorFlow Lite model for every kernel of TensorFlow Lite for Microcontrollers that we know."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tflite_models import NUMPY, S, Sketch, conditional, loop

UNARY_FLOAT = (
    "ABS", "CEIL", "COS", "ELU", "EXP", "FLOOR", "HARD_SWISH", "L2_NORMALIZATION", "LEAKY_RELU", "LOG",
    "LOGISTIC", "LOG_SOFTMAX", "NEG", "RELU", "RELU6", "ROUND", "RSQRT", "SIN", "SOFTMAX", "SQRT", "SQUARE",
    "TANH", "ZEROS_LIKE",
)  # fmt: skip
UNARY_INT8 = (
    "ABS", "ELU", "HARD_SWISH", "L2_NORMALIZATION", "LEAKY_RELU", "LOGISTIC", "LOG_SOFTMAX", "RELU", "RELU6",
    "RSQRT", "SOFTMAX", "TANH", "QUANTIZE",
)  # fmt: skip
UNARY_INT16 = ("LEAKY_RELU", "LOGISTIC", "SOFTMAX", "TANH")
BINARY_FLOAT = (
    "ADD", "DIV", "FLOOR_DIV", "FLOOR_MOD", "MAXIMUM", "MINIMUM", "MUL", "PRELU", "SQUARED_DIFFERENCE", "SUB",
)  # fmt: skip
BINARY_INT8 = ("ADD", "DIV", "MAXIMUM", "MINIMUM", "MUL", "PRELU", "SQUARED_DIFFERENCE", "SUB")
COMPARING = ("EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL")
REDUCING = ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")

OPTIONS: dict[str, tuple[str, dict[str, object]]] = {
    "ADD_N": ("AddNOptions", {}),
    "ARG_MIN": ("ArgMinOptions", {"outputType": 2}),
    "BATCH_MATMUL": ("BatchMatMulOptions", {}),
    "BROADCAST_TO": ("BroadcastToOptions", {}),
    "CAST": ("CastOptions", {"inDataType": 0, "outDataType": 2}),
    "CUMSUM": ("CumsumOptions", {}),
    "DIV": ("DivOptions", {}),
    "GATHER": ("GatherOptions", {}),
    "L2_POOL_2D": ("Pool2DOptions", {}),
    "MIRROR_PAD": ("MirrorPadOptions", {}),
    "PACK": ("PackOptions", {"valuesCount": 2, "axis": 0}),
    "REDUCE_ALL": ("ReducerOptions", {"keepDims": False}),
    "SHAPE": ("ShapeOptions", {"outType": 2}),
    "SPLIT_V": ("SplitVOptions", {"numSplits": 2}),
    "SQUEEZE": ("SqueezeOptions", {"squeezeDims": [0]}),
    "UNPACK": ("UnpackOptions", {"num": 2, "axis": 0}),
}


def scaled(scale: float = 0.5, channels: int = 1, zero: int = 0, axis: int = 0) -> Any:
    """Return a quantization, the same for all channels."""
    return S.QuantizationParametersT(
        scale=[scale] * channels, zeroPoint=[zero] * channels, quantizedDimension=axis
    )


class One(Sketch):
    """A model of one operator."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.subgraph()
        self.kind = kind
        self.given: list[int] = []
        self.fed: list[int] = []
        self.made: list[int] = []

    def input(self, shape: list[int], element: str = "INT8", **more: Any) -> One:
        """Give the operator an input that is fed."""
        self.fed.append(self.tensor(shape, element, **more))
        self.given.append(self.fed[-1])
        return self

    def constant(self, values: object, width: str = "int32", **more: Any) -> One:
        """Give the operator a constant."""
        data = NUMPY.asarray(values, width)
        self.given.append(self.tensor(list(data.shape), width.upper(), data, **more))
        return self

    def output(self, shape: list[int], element: str = "INT8", **more: Any) -> One:
        """Give the operator an output."""
        self.made.append(self.tensor(shape, element, **more))
        return self

    def ended(self, **options: Any) -> One:
        """Add the operator with its options, and end the model."""
        self.operator(self.kind, self.given, self.made, **options)
        if self.kind in OPTIONS:
            name, values = OPTIONS[self.kind]
            operator = self.model.subgraphs[-1].operators[-1]
            operator.builtinOptionsType = getattr(S.BuiltinOptions, name)
            operator.builtinOptions = getattr(S, f"{name}T")(**(values | options))
        self.ports(self.fed, self.made)
        return self


def unary(kind: str, element: str) -> One:
    """Return an elementwise operator of one input; the output is quantized as those kernels ask for."""
    scale, zero = {
        "LOGISTIC": (1 / 256, -128), "SOFTMAX": (1 / 256, -128), "LOG_SOFTMAX": (16 / 256, 127),
        "TANH": (1 / 128, 0), "L2_NORMALIZATION": (1 / 128, 0),
    }.get(kind, (0.5, 0))  # fmt: skip
    if element == "INT16":
        scale, zero = 1 / 32768, 0
    by = {} if element == "FLOAT32" else {"quantization": scaled(scale, 1, zero)}
    fed = {} if element == "FLOAT32" else {"quantization": scaled(0.25)}
    return (
        One(kind)
        .input([1, 10], element, **fed)
        .output([1, 10], element, **by)
        .ended(**({"beta": 1.0} if kind == "SOFTMAX" else {}))
    )


def binary(kind: str, element: str, made: str = "") -> One:
    """Return an elementwise operator of two inputs."""
    one = One(kind).input([1, 10], element).input([1, 10], element)
    return one.output([1, 10], made or element).ended()


def convolution(kind: str, element: str, channels: int = 24) -> One:
    """Return a convolution with weights per channel, quantized unless on floats."""
    flat, whole = element == "FLOAT32", kind == "DEPTHWISE_CONV_2D"
    shape = [1, 3, 3, channels] if whole else [channels, 3, 3, 4]
    entering = channels if whole else 4
    by = {} if flat else {"quantization": scaled(0.1, channels, axis=3 if whole else 0)}
    one = One(kind).input([1, 8, 8, entering], element, **({} if flat else {"quantization": scaled()}))
    one.constant(NUMPY.ones(shape), "float32" if flat else "int8", **by)
    width = {"FLOAT32": "float32", "INT8": "int32", "INT16": "int64"}[element]
    one.constant(NUMPY.ones(channels), width, **({} if flat else {"quantization": scaled(0.05, channels)}))
    one.output([1, 8, 8, channels], element, **({} if flat else {"quantization": scaled()}))
    more = {"depthMultiplier": 1} if whole else {}
    return one.ended(
        strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, fusedActivationFunction=1, **more
    )


def connected(element: str, channels: int = 1) -> One:
    """Return a FULLY_CONNECTED, with weights of 4 bits for INT4."""
    flat = element == "FLOAT32"
    by = {} if flat else {"quantization": scaled(0.1, channels)}
    one = One("FULLY_CONNECTED").input([1, 16], "FLOAT32" if flat else "INT8")
    if element == "INT4":
        one.given.append(one.tensor([8, 16], "INT4", NUMPY.ones(64, "int8"), quantization=scaled()))
    else:
        one.constant(NUMPY.ones((8, 16)), "float32" if flat else "int8", **by)
    sums = {} if flat else {"quantization": scaled(0.25 if element == "INT4" else 0.05, channels)}
    one.constant(NUMPY.ones(8), "float32" if flat else "int32", **sums)
    return one.output([1, 8], "FLOAT32" if flat else "INT8").ended()


def transposed(element: str) -> One:
    """Return a TRANSPOSE_CONV."""
    flat = element == "FLOAT32"
    by = {} if flat else {"quantization": scaled(0.5, 4)}
    one = One("TRANSPOSE_CONV").constant([1, 8, 8, 4])
    one.constant(NUMPY.ones((4, 2, 2, 4)), "float32" if flat else "int8", **by)
    one.input([1, 4, 4, 4], element, **({} if flat else {"quantization": scaled()}))
    one.output([1, 8, 8, 4], element, **({} if flat else {"quantization": scaled()}))
    return one.ended(strideH=2, strideW=2, padding=1)


def svdf(element: str = "INT16", filters: int = 24) -> One:
    """Return an SVDF with its variable, on int8 or on floats."""
    flat = element == "FLOAT32"
    one = One("SVDF").input([1, 8], "FLOAT32" if flat else "INT8")
    weights = {} if flat else {"quantization": scaled()}
    one.constant(NUMPY.ones((filters, 8)), "float32" if flat else "int8", **weights)
    time = {} if flat else {"quantization": scaled(0.1)}
    sums = {} if flat else {"quantization": scaled(0.01)}
    one.constant(NUMPY.ones((filters, 4)), "float32" if flat else "int16", **time)
    one.constant(NUMPY.zeros(filters), "float32" if flat else "int32", **sums)
    one.given.append(one.tensor([1, 4 * filters], element, isVariable=True, **time))
    one.output([1, filters], "FLOAT32" if flat else "INT8")
    return one.ended(rank=1, asymmetricQuantizeInputs=False, fusedActivationFunction=1)


def lstm(number: int = 13) -> Sketch:
    """Return an LSTM of three steps, on floats."""
    sketch = One("UNIDIRECTIONAL_SEQUENCE_LSTM").input([1, 3, 8], "FLOAT32")
    for shape in [(number, width) for width in (8, number) for _ in range(4)]:
        sketch.constant(NUMPY.full(shape, 0.1), "float32")
    sketch.given += [-1, -1, -1]
    for _ in range(4):
        sketch.constant(NUMPY.full(number, 0.1), "float32")
    sketch.given += [-1, -1, *(sketch.tensor([1, number], "FLOAT32", isVariable=True) for _ in range(2))]
    sketch.given += [-1, -1, -1, -1]
    sketch.output([1, 3, number], "FLOAT32").ended()
    operator = sketch.model.subgraphs[-1].operators[-1]
    operator.builtinOptionsType = S.BuiltinOptions.UnidirectionalSequenceLSTMOptions
    operator.builtinOptions = S.UnidirectionalSequenceLSTMOptionsT(fusedActivationFunction=4)
    return sketch


def reduction(kind: str, element: str) -> One:
    """Return a reduction over rows and columns."""
    by = {} if element == "FLOAT32" else {"quantization": scaled()}
    wide = {} if element == "FLOAT32" or "REDUCE" in kind else {"quantization": scaled(0.25)}
    one = One(kind).input([1, 4, 4, 24], element, **by).constant([1, 2])
    return one.output([1, 24], element, **(wide or by)).ended(keepDims=False)


def moving() -> dict[str, One]:
    """Return operators that move numbers or change shapes."""
    four = [1, 4, 4, 8]
    found = {
        "PAD": One("PAD").input(four).constant([[0, 0], [1, 1], [1, 1], [0, 0]]).output([1, 6, 6, 8]),
        "PADV2": One("PADV2")
        .input(four)
        .constant([[0, 0], [1, 1], [1, 1], [0, 0]])
        .constant([3], "int8")
        .output([1, 6, 6, 8]),
        "MIRROR_PAD": One("MIRROR_PAD").input([4, 4]).constant([[1, 1], [1, 1]]).output([6, 6]),
        "SLICE": One("SLICE").input(four).constant([0, 1, 1, 0]).constant([1, 2, 2, 8]).output([1, 2, 2, 8]),
        "GATHER": One("GATHER").input([4, 8]).constant([1, 3]).output([2, 8]),
        "GATHER_ND": One("GATHER_ND").input([4, 8]).constant([[1], [3]]).output([2, 8]),
        "EXPAND_DIMS": One("EXPAND_DIMS").input([4, 8]).constant([0]).output([1, 4, 8]),
        "SQUEEZE": One("SQUEEZE").input([1, 4, 8]).output([4, 8]),
        "RESHAPE": One("RESHAPE").input([4, 8]).constant([8, 4]).output([8, 4]),
        "TRANSPOSE": One("TRANSPOSE").input([4, 8]).constant([1, 0]).output([8, 4]),
        "SPACE_TO_BATCH_ND": One("SPACE_TO_BATCH_ND")
        .input(four)
        .constant([2, 2])
        .constant([[0, 0], [0, 0]])
        .output([4, 2, 2, 8]),
        "BATCH_TO_SPACE_ND": One("BATCH_TO_SPACE_ND")
        .input([4, 2, 2, 8])
        .constant([2, 2])
        .constant([[0, 0], [0, 0]])
        .output(four),
        "BROADCAST_TO": One("BROADCAST_TO").input([1, 8]).constant([4, 8]).output([4, 8]),
        "BROADCAST_ARGS": One("BROADCAST_ARGS").input([2], "INT32").input([2], "INT32").output([2], "INT32"),
        "FILL": One("FILL").constant([4, 8]).input([], "FLOAT32").output([4, 8], "FLOAT32"),
        "SHAPE": One("SHAPE").input([4, 8]).output([2], "INT32"),
        "CAST": One("CAST").input([4, 8], "FLOAT32").output([4, 8], "INT32"),
        "REVERSE_V2": One("REVERSE_V2").input([4, 8], "FLOAT32").constant([1]).output([4, 8], "FLOAT32"),
        "DYNAMIC_UPDATE_SLICE": One("DYNAMIC_UPDATE_SLICE")
        .input([4, 8])
        .input([2, 2])
        .constant([1, 1])
        .output([4, 8]),
        "EMBEDDING_LOOKUP": One("EMBEDDING_LOOKUP")
        .input([3], "INT32")
        .constant(NUMPY.ones((7, 8)), "float32")
        .output([3, 8], "FLOAT32"),
    }
    return {kind: one.ended() for kind, one in found.items()}


def joining() -> dict[str, One]:
    """Return operators of many inputs or outputs, and those with options of their own."""
    image = One("STRIDED_SLICE").input([1, 4, 4, 8])
    for numbers in ([0, 0, 0, 0], [1, 4, 4, 8], [1, 2, 2, 1]):
        image.constant(numbers)
    split = One("SPLIT").constant(1).input([1, 8]).output([1, 4]).output([1, 4])
    varied = One("SPLIT_V").input([1, 8]).constant([3, 5]).constant(1).output([1, 3]).output([1, 5])
    many = One("CONCATENATION").input([1, 4]).input([1, 3]).input([1, 5]).output([1, 12])
    select = One("SELECT_V2").input([1, 8], "BOOL").input([1, 8]).input([1, 8]).output([1, 8])
    sums = One("ADD_N").input([1, 40], "FLOAT32").input([1, 40], "FLOAT32").input([1, 40], "FLOAT32")
    product = One("BATCH_MATMUL").input([1, 4, 8]).input([1, 8, 5]).output([1, 4, 5])
    real = One("BATCH_MATMUL").input([1, 4, 8], "FLOAT32").input([1, 8, 5], "FLOAT32")
    return {
        "STRIDED_SLICE": image.output([1, 2, 2, 8]).ended(),
        "SPLIT": split.ended(numSplits=2),
        "SPLIT_V": varied.ended(),
        "PACK": One("PACK").input([4]).input([4]).output([2, 4]).ended(),
        "UNPACK": One("UNPACK").input([2, 4]).output([4]).output([4]).ended(),
        "CONCATENATION": many.ended(axis=1),
        "SELECT_V2": select.ended(),
        "ADD_N": sums.output([1, 40], "FLOAT32").ended(),
        "BATCH_MATMUL": product.ended(),
        "BATCH_MATMUL float": real.output([1, 4, 5], "FLOAT32").ended(),
        "CUMSUM": One("CUMSUM").input([4, 8], "FLOAT32").constant(1).output([4, 8], "FLOAT32").ended(),
        "ARG_MAX": One("ARG_MAX").input([4, 8]).constant(1).output([4], "INT32").ended(outputType=2),
        "ARG_MIN": One("ARG_MIN").input([4, 8]).constant(1).output([4], "INT32").ended(),
        "QUANTIZE float": One("QUANTIZE").input([1, 40], "FLOAT32").output([1, 40]).ended(),
        "DEQUANTIZE": One("DEQUANTIZE").input([1, 40]).output([1, 40], "FLOAT32").ended(),
        "REDUCE_ALL": One("REDUCE_ALL").input([4, 8], "BOOL").constant([1]).output([4], "BOOL").ended(),
        "LOGICAL_NOT": One("LOGICAL_NOT").input([4], "BOOL").output([4], "BOOL").ended(),
        "LOGICAL_AND": binary("LOGICAL_AND", "BOOL"),
        "LOGICAL_OR": binary("LOGICAL_OR", "BOOL"),
    }


def images() -> dict[str, One]:
    """Return operators on images."""
    four = [1, 4, 4, 8]
    window = {"strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2, "padding": 1}
    found = {
        f"{kind}{' float' if element == 'FLOAT32' else ''}": One(kind)
        .input(four, element)
        .output([1, 2, 2, 8], element)
        .ended(**window)
        for kind, element in (
            ("AVERAGE_POOL_2D", "INT8"),
            ("MAX_POOL_2D", "INT8"),
            ("MAX_POOL_2D", "FLOAT32"),
            ("L2_POOL_2D", "FLOAT32"),
        )
    }
    for kind in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
        found[kind] = One(kind).input(four).constant([8, 8]).output([1, 8, 8, 8]).ended()
    found["SPACE_TO_DEPTH"] = One("SPACE_TO_DEPTH").input(four).output([1, 2, 2, 32]).ended(blockSize=2)
    found["DEPTH_TO_SPACE"] = One("DEPTH_TO_SPACE").input(four).output([1, 8, 8, 2]).ended(blockSize=2)
    return found


def variables() -> Sketch:
    """Return a model that writes its input into a variable and reads it again."""
    sketch = Sketch()
    sketch.subgraph()
    handle, fed, made = sketch.tensor([], "RESOURCE"), sketch.tensor([1, 40]), sketch.tensor([1, 40])
    name_resource(sketch, handle, "kept")
    sketch.operator("ASSIGN_VARIABLE", [handle, fed], [])
    sketch.operator("READ_VARIABLE", [handle], [made])
    sketch.ports([fed], [made])
    return sketch


def name_resource(sketch: Sketch, handle: int, name: str) -> None:
    """Append a VAR_HANDLE to the latest subgraph."""
    sketch.operator("VAR_HANDLE", [], [handle])
    operator = sketch.model.subgraphs[-1].operators[-1]
    operator.builtinOptionsType = S.BuiltinOptions.VarHandleOptions
    operator.builtinOptions = S.VarHandleOptionsT(container="", sharedName=name)


def streaming(names: tuple[str, ...] = ("first", "second")) -> Sketch:
    """Return a model that keeps the last rows of its input in variables, as those for wake words do.

    A subgraph that runs once gives each variable its first value.
    """
    sketch = Sketch()
    sketch.subgraph()
    sketch.operator("CALL_ONCE", [], [], initSubgraphIndex=1)
    fed = latest = sketch.tensor([1, 40])
    for name in names:
        handle = sketch.tensor([], "RESOURCE")
        before, both, after, made = (sketch.tensor([1, size]) for size in (40, 80, 40, 40))
        name_resource(sketch, handle, name)
        sketch.operator("READ_VARIABLE", [handle], [before])
        sketch.operator("CONCATENATION", [before, latest], [both], axis=1)
        begin = sketch.tensor([2], "INT32", NUMPY.array([0, 40], "int32"))
        size = sketch.tensor([2], "INT32", NUMPY.array([1, 40], "int32"))
        sketch.operator("SLICE", [both, begin, size], [after])
        sketch.operator("ASSIGN_VARIABLE", [handle, after], [])
        sketch.operator("ADD", [before, after], [made])
        latest = made
    sketch.ports([fed], [latest])
    sketch.subgraph("init")
    for name in names:
        handle = sketch.tensor([], "RESOURCE")
        value = sketch.tensor([1, 40], data=NUMPY.zeros(40, "int8"))
        name_resource(sketch, handle, name)
        sketch.operator("ASSIGN_VARIABLE", [handle, value], [])
    return sketch


def signal(
    kind: str, inputs: list[tuple[list[int], str]], outputs: list[tuple[list[int], str]], **settings: object
) -> Sketch:
    """Return a model of a custom operator that works on sound; `settings` are its options."""
    sketch = Sketch()
    sketch.subgraph()
    fed = [sketch.tensor(shape, element) for shape, element in inputs]
    made = [sketch.tensor(shape, element) for shape, element in outputs]
    sketch.operator(kind, fed, made)
    flexbuffers: Any = import_module("flatbuffers.flexbuffers")
    sketch.model.subgraphs[0].operators[0].customOptions = list(flexbuffers.Dumps(settings))
    sketch.ports(fed, made)
    return sketch


def signals() -> dict[str, Sketch]:
    """Return a model for each operator of a preprocessor of sound."""
    samples, wave, bank = ([480], "INT16"), ([514], "INT16"), ([40], "UINT32")
    lists = [([316], "INT16")] * 2 + [([41], "INT16")] * 3
    noise = dict.fromkeys(
        ["alternate_one_minus_smoothing", "alternate_smoothing", "min_signal_remaining"], 800
    ) | {"clamping": False, "num_channels": 40, "one_minus_smoothing": 15975, "smoothing": 409}
    noise |= {"smoothing_bits": 10, "spectral_subtraction_bits": 14}
    wide = {"INT16": 7, "INT32": 2, "FLOAT32": 0}
    found = {
        f"SignalRfft {element}": signal(
            "SignalRfft", [([480], element)], [([514], element)], T=number, fft_length=512
        )
        for element, number in wide.items()
    }
    return found | {
        "SignalWindow": signal(
            "SignalWindow", [([1, 480], "INT16"), samples], [([1, 480], "INT16")], shift=12
        ),
        "SignalFftAutoScale": signal("SignalFftAutoScale", [samples], [samples, ([], "INT32")]),
        "SignalEnergy": signal("SignalEnergy", [wave], [([257], "UINT32")], end_index=241, start_index=5),
        "SignalFilterBank": signal(
            "SignalFilterBank", [([257], "UINT32"), *lists], [([40], "UINT64")], num_channels=40
        ),
        "SignalFilterBankSquareRoot": signal(
            "SignalFilterBankSquareRoot", [([40], "UINT64"), ([], "INT32")], [bank]
        ),
        "SignalFilterBankSpectralSubtraction": signal(
            "SignalFilterBankSpectralSubtraction", [bank], [bank, bank], **noise
        ),
        "SignalPCAN": signal("SignalPCAN", [bank, bank, ([125], "INT16")], [bank], snr_shift=6),
        "SignalFilterBankLog": signal(
            "SignalFilterBankLog", [bank], [([40], "INT16")], input_correction_bits=3, output_scale=64
        ),
    }


def once() -> Sketch:
    """Return a model that runs a subgraph in its first run."""
    sketch = Sketch()
    sketch.subgraph()
    fed, made = sketch.tensor([1, 40]), sketch.tensor([1, 40])
    sketch.operator("CALL_ONCE", [], [], initSubgraphIndex=1)
    sketch.operator("ADD", [fed, fed], [made])
    sketch.ports([fed], [made])
    sketch.subgraph("init")
    return sketch


def kernels() -> dict[str, Sketch]:
    """Return a model per kernel: its kind, and what it runs on."""
    found: dict[str, Sketch] = {}
    for element, kinds in (("FLOAT32", UNARY_FLOAT), ("INT8", UNARY_INT8), ("INT16", UNARY_INT16)):
        found |= {f"{kind} {element}": unary(kind, element) for kind in kinds}
    for element, kinds in (("FLOAT32", BINARY_FLOAT), ("INT8", BINARY_INT8)):
        found |= {f"{kind} {element}": binary(kind, element) for kind in kinds}
    found |= {f"{kind} INT8": binary(kind, "INT8", "BOOL") for kind in COMPARING}
    for element in ("FLOAT32", "INT8", "INT16"):
        found |= {f"{k} {element}": convolution(k, element) for k in ("CONV_2D", "DEPTHWISE_CONV_2D")}
        found[f"TRANSPOSE_CONV {element}"] = transposed(element)
    found |= {
        f"{kind} {element}": reduction(kind, element) for kind in REDUCING for element in ("FLOAT32", "INT8")
    }
    found |= {f"FULLY_CONNECTED {element}": connected(element) for element in ("FLOAT32", "INT8", "INT4")}
    found["FULLY_CONNECTED per channel"] = connected("INT8", 8)
    found |= {"SVDF": svdf(), "SVDF float": svdf("FLOAT32"), "UNIDIRECTIONAL_SEQUENCE_LSTM": lstm()}
    found |= {"IF": conditional(), "WHILE": loop(), "CALL_ONCE": once(), "variables": variables()}
    found |= {"streaming": streaming(), "one variable for all": streaming(("kept", "kept"))}
    return found | moving() | joining() | images() | signals()
