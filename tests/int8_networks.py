"""Random int8 TensorFlow Lite networks, of every kind that the C backend compiles."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from hmcos.frontends.tflite.reading import parse
from hmcos.frontends.tflite.writing import pack
from tflite_models import NUMPY, S, Sketch

Shape = list[int]


class Grower:
    """A network of one path that grows by an operator at a time."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.sketch = Sketch()
        self.sketch.subgraph()
        self.inputs: list[int] = []

    def quantized(self, scale: float | None = None, zero: int | None = None) -> Any:
        """Return a quantization, random unless given."""
        rng = self.rng
        scale = rng.uniform(0.005, 0.2) if scale is None else scale
        zero = rng.choice((0, -128, 127, rng.randint(-128, 127))) if zero is None else zero
        return S.QuantizationParametersT(scale=[scale], zeroPoint=[zero])

    def tensor(self, shape: Shape, like: int | None = None, **more: Any) -> int:
        """Return a new int8 tensor, quantized at random or like another."""
        by = self.quantized() if like is None else self.known(like).quantization
        return self.sketch.tensor(shape, **{"quantization": by, **more})

    def known(self, tensor: int) -> Any:
        """Return a tensor of the sketch."""
        return self.sketch.model.subgraphs[-1].tensors[tensor]

    def shape(self, tensor: int) -> Shape:
        """Return its shape."""
        return list(self.known(tensor).shape)

    def integers(self, numbers: object) -> int:
        """Return a constant of int32."""
        data = NUMPY.asarray(numbers, "int32")
        return self.sketch.tensor(list(data.shape), "INT32", data)

    def constant(self, shape: Shape, **more: Any) -> int:
        """Return a constant of random int8 numbers."""
        count = int(NUMPY.prod(shape)) if shape else 1
        data = NUMPY.array([self.rng.randint(-128, 127) for _ in range(count)], "int8")
        return self.tensor(shape, data=data, **more)

    def weights(self, shape: Shape, axis: int, outputs: int, fed: int) -> tuple[int, int]:
        """Return weights and a bias, per channel or per tensor; some have no bias; `fed` is multiplied."""
        rng = self.rng
        count = int(NUMPY.prod(shape))
        data = NUMPY.array([rng.randint(-127, 127) for _ in range(count)], "int8")
        number = outputs if rng.random() < 0.6 else 1
        scales = [rng.uniform(0.001, 0.02) for _ in range(number)]
        by = S.QuantizationParametersT(scale=scales, zeroPoint=[0] * number, quantizedDimension=axis)
        found = self.sketch.tensor(shape, "INT8", data, quantization=by)
        if rng.random() < 0.25:
            return found, -1
        bias = NUMPY.array([rng.randint(-3000, 3000) for _ in range(outputs)], "int32")
        products = [scale * self.known(fed).quantization.scale[0] for scale in scales]
        by = S.QuantizationParametersT(scale=products, zeroPoint=[0] * number)
        return found, self.sketch.tensor([outputs], "INT32", bias, quantization=by)

    def ended(self, made: int) -> bytes:
        """Return the file."""
        self.sketch.ports(self.inputs, [made])
        return self.sketch.bytes()

    def fed(self, shape: Shape, **more: Any) -> int:
        """Return a new input."""
        self.inputs.append(self.tensor(shape, **more))
        return self.inputs[-1]


def image(grow: Grower, most: int = 9) -> int:
    """Return a random image as an input."""
    rng = grow.rng
    return grow.fed([1, rng.randint(1, most), rng.randint(1, most), rng.choice((1, 2, 3, 4, 8, 11, 16))])


def _activation(rng: Random) -> int:
    return rng.choice((0, 0, 1, 3, 2))


def _windows(rng: Random, shape: Shape, kernel: tuple[int, int], dilated: bool) -> dict[str, Any] | None:
    """Return strides, dilations, padding and the size of the output; None where the window does not fit."""
    padding = rng.randint(0, 1)
    stride = rng.randint(1, 3), rng.randint(1, 3)
    dilation = (rng.randint(1, 2), rng.randint(1, 3)) if dilated and rng.random() < 0.3 else (1, 1)
    if dilation != (1, 1):
        stride = 1, 1
    sizes: list[int] = []
    for size, k, s, d in zip(shape[1:3], kernel, stride, dilation, strict=True):
        reach = (k - 1) * d + 1
        sizes.append(-(-size // s) if padding == 0 else (size - reach) // s + 1)
        if sizes[-1] < 1 or (padding == 1 and reach > size):
            return None
    return {"padding": padding, "stride": stride, "dilation": dilation, "sizes": sizes}


def convolution(grow: Grower, fed: int) -> int:
    rng, shape = grow.rng, grow.shape(fed)
    kernel = rng.randint(1, 4), rng.randint(1, 4)
    found = _windows(rng, shape, kernel, True)
    if found is None:
        return fed
    depthwise = rng.random() < 0.5
    outputs = shape[3] * rng.choice((1, 1, 2, 3)) if depthwise else rng.randint(1, 13)
    weights, bias = (
        grow.weights([1, *kernel, outputs], 3, outputs, fed)
        if depthwise
        else grow.weights([outputs, *kernel, shape[3]], 0, outputs, fed)
    )
    made = grow.tensor([1, *found["sizes"], outputs])
    options: dict[str, Any] = {"depthMultiplier": outputs // shape[3]} if depthwise else {}
    grow.sketch.operator(
        "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D",
        [fed, weights, bias] if bias >= 0 else [fed, weights],
        [made],
        padding=found["padding"],
        strideH=found["stride"][0],
        strideW=found["stride"][1],
        dilationHFactor=found["dilation"][0],
        dilationWFactor=found["dilation"][1],
        fusedActivationFunction=_activation(rng),
        **options,
    )
    return made


def pool(grow: Grower, fed: int) -> int:
    rng, shape = grow.rng, grow.shape(fed)
    kernel = (shape[1], shape[2]) if rng.random() < 0.3 else (rng.randint(1, 4), rng.randint(1, 4))
    found = _windows(rng, shape, kernel, False)
    if found is None:
        return fed
    made = grow.tensor([1, *found["sizes"], shape[3]], like=fed)
    grow.sketch.operator(
        rng.choice(("AVERAGE_POOL_2D", "MAX_POOL_2D")),
        [fed],
        [made],
        padding=found["padding"],
        strideH=found["stride"][0],
        strideW=found["stride"][1],
        filterHeight=kernel[0],
        filterWidth=kernel[1],
        fusedActivationFunction=_activation(rng),
    )
    return made


def binary(grow: Grower, fed: int) -> int:
    rng, shape = grow.rng, grow.shape(fed)
    other = shape
    if rng.random() < 0.5:
        other = [size if rng.random() < 0.5 else 1 for size in shape]
        other = other[rng.randint(0, len(other)) :] if rng.random() < 0.3 else other
    second = (
        grow.constant(other)
        if rng.random() < 0.5
        else (fed if other == shape and rng.random() < 0.3 else grow.fed(other or [1]))
    )
    pair = [fed, second] if rng.random() < 0.5 else [second, fed]
    made = grow.tensor(shape)
    kind = rng.choice(("ADD", "SUB", "MUL"))
    grow.sketch.operator(kind, pair, [made], fusedActivationFunction=_activation(rng))
    return made


def extreme(grow: Grower, fed: int) -> int:
    """Return the greater or the lesser of two numbers, or of all along some axes."""
    rng, shape = grow.rng, grow.shape(fed)
    if rng.random() < 0.5:
        return _reduction(grow, fed, rng.choice(("REDUCE_MAX", "REDUCE_MIN")), like=fed)
    other = [size if rng.random() < 0.5 else 1 for size in shape]
    second = rng.choice((grow.constant, grow.fed))(other, like=fed)
    pair = [fed, second] if rng.random() < 0.5 else [second, fed]
    made = grow.tensor(shape, like=fed)
    grow.sketch.operator(rng.choice(("MAXIMUM", "MINIMUM")), pair, [made])
    return made


def sloped(grow: Grower, fed: int) -> int:
    """Return a PRELU of slopes per channel, or of another form."""
    rng, shape = grow.rng, grow.shape(fed)
    slopes = [1] * (len(shape) - 2) + shape[-1:] if rng.random() < 0.7 else shape[1:]
    made = grow.tensor(shape)
    grow.sketch.operator("PRELU", [fed, grow.constant(slopes or [1])], [made])
    return made


def reduction(grow: Grower, fed: int) -> int:
    return _reduction(grow, fed, grow.rng.choice(("MEAN", "SUM")))


def _reduction(grow: Grower, fed: int, kind: str, like: int | None = None) -> int:
    rng, shape = grow.rng, grow.shape(fed)
    axes = rng.sample(range(1, len(shape)), rng.randint(1, len(shape) - 1)) if len(shape) > 1 else [0]
    keep = rng.random() < 0.7
    made = [1 if k in axes else size for k, size in enumerate(shape)]
    made = made if keep else [size for k, size in enumerate(shape) if k not in axes]
    told = [axis - len(shape) if rng.random() < 0.2 else axis for axis in axes]
    result = grow.tensor(made, like=like)
    grow.sketch.operator(kind, [fed, grow.integers(told)], [result], keepDims=keep)
    return result


def padding(grow: Grower, fed: int) -> int:
    rng, shape = grow.rng, grow.shape(fed)
    pads = [[0, 0], *([rng.randint(0, 2), rng.randint(0, 2)] for _ in shape[1:])]
    if rng.random() < 0.6:
        pads[-1] = [0, 0]
    made = grow.tensor([a + b + size for (a, b), size in zip(pads, shape, strict=True)], like=fed)
    inputs, kind = [fed, grow.integers(pads)], "PAD"
    if rng.random() < 0.4:
        kind = "PADV2"
        number = NUMPY.array([rng.randint(-128, 127)], "int8")
        inputs.append(grow.tensor([1], like=fed, data=number))
    grow.sketch.operator(kind, inputs, [made])
    return made


def concatenation(grow: Grower, fed: int) -> int:
    rng, shape = grow.rng, grow.shape(fed)
    axis = rng.choice((len(shape) - 1, len(shape) - 1, max(len(shape) - 2, 0)))
    parts = [fed]
    for _ in range(rng.randint(1, 3)):
        other = list(shape)
        other[axis] = rng.randint(1, 5)
        parts.append(rng.choice((grow.fed, grow.constant))(other, like=fed) if rng.random() < 0.7 else fed)
    made = list(shape)
    made[axis] = sum(grow.shape(part)[axis] for part in parts)
    result = grow.tensor(made, like=fed)
    grow.sketch.operator("CONCATENATION", parts, [result], axis=axis - rng.choice((0, len(shape))))
    return result


def split(grow: Grower, fed: int) -> int:
    rng, shape = grow.rng, grow.shape(fed)
    number = 2 if shape[-1] % 2 == 0 else shape[-1] if shape[-1] < 10 else 1
    made = [grow.tensor([*shape[:-1], shape[-1] // number], like=fed) for _ in range(number)]
    grow.sketch.operator("SPLIT", [grow.integers(len(shape) - 1), fed], made, numSplits=number)
    return made[rng.randrange(number)] if number == 1 else _joined(grow, made)


def _joined(grow: Grower, parts: list[int]) -> int:
    grow.rng.shuffle(parts)
    shape = grow.shape(parts[0])
    made = grow.tensor([*shape[:-1], shape[-1] * len(parts)], like=parts[0])
    grow.sketch.operator("CONCATENATION", parts, [made], axis=len(shape) - 1)
    return made


def cut(grow: Grower, fed: int) -> int:
    rng, shape = grow.rng, grow.shape(fed)
    begin = [0, *(rng.randint(0, size - 1) for size in shape[1:])]
    size = [
        whole - b if rng.random() < 0.5 else rng.randint(1, whole - b)
        for b, whole in zip(begin, shape, strict=True)
    ]
    size[0] = shape[0]
    if len(shape) > 2 and rng.random() < 0.5:
        begin[1], size[1] = 0, shape[1]
    made = grow.tensor(size, like=fed)
    grow.sketch.operator("SLICE", [fed, grow.integers(begin), grow.integers(size)], [made])
    return made


def reshaped(grow: Grower, fed: int) -> int:
    rng, shape = grow.rng, grow.shape(fed)
    count = int(NUMPY.prod(shape))
    forms = [
        [1, count],
        [1, 1, 1, count],
        [1, shape[-1], count // shape[-1], 1],
        [1, 1, count // shape[-1], shape[-1]],
    ]
    made = rng.choice(forms)
    result = grow.tensor(made, like=fed)
    grow.sketch.operator("RESHAPE", [fed, grow.integers(made)], [result], newShape=made)
    return result


def transposed(grow: Grower, fed: int) -> int:
    rng, shape = grow.rng, grow.shape(fed)
    order = list(range(1, len(shape)))
    rng.shuffle(order)
    order = [0, *order]
    made = grow.tensor([shape[k] for k in order], like=fed)
    grow.sketch.operator("TRANSPOSE", [fed, grow.integers(order)], [made])
    return made


def requantized(grow: Grower, fed: int) -> int:
    made = grow.tensor(grow.shape(fed))
    grow.sketch.operator("QUANTIZE", [fed], [made])
    return made


def function(grow: Grower, fed: int) -> int:
    rng, kind = grow.rng, grow.rng.choice(FUNCTIONS)
    by = {
        "LOGISTIC": grow.quantized(1 / 256, -128),
        "SOFTMAX": grow.quantized(1 / 256, -128),
        "TANH": grow.quantized(1 / 128, 0),
        "RELU6": grow.known(fed).quantization,
    }.get(kind, grow.quantized())
    made = grow.tensor(grow.shape(fed), quantization=by)
    options: dict[str, Any] = {}
    if kind == "SOFTMAX":
        options["beta"] = rng.choice((1.0, 0.5, 3.0))
    if kind == "LEAKY_RELU":
        options["alpha"] = rng.choice((0.1, 0.01, 0.3))
    if kind == "HARD_SWISH":  # TFLM wants a scale of the output that is not too small
        grow.known(made).quantization.scale = [max(0.03, grow.known(fed).quantization.scale[0])]
    grow.sketch.operator(kind, [fed], [made], **options)
    return made


FUNCTIONS = ("RELU", "RELU6", "LOGISTIC", "TANH", "HARD_SWISH", "LEAKY_RELU", "SOFTMAX")


def resized(grow: Grower, fed: int) -> int:
    rng, shape = grow.rng, grow.shape(fed)
    sizes = [rng.randint(1, 12), rng.randint(1, 12)]
    if rng.random() < 0.5:
        sizes = [shape[1] * 2, shape[2] * 2]
    kind = rng.choice(("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"))
    made = grow.tensor([1, *sizes, shape[3]], like=fed)
    corners, half = rng.choice(((False, False), (True, False), (False, True)))
    grow.sketch.operator(
        kind, [fed, grow.integers(sizes)], [made], alignCorners=corners, halfPixelCenters=half
    )
    return made


def transposed_convolution(grow: Grower, fed: int) -> int:
    rng, shape = grow.rng, grow.shape(fed)
    kernel, stride = (rng.randint(1, 4), rng.randint(1, 4)), (rng.randint(1, 3), rng.randint(1, 3))
    padding = rng.randint(0, 1)
    sizes = [
        size * s if padding == 0 else (size - 1) * s + max(k, s)
        for size, s, k in zip(shape[1:3], stride, kernel, strict=True)
    ]
    if any(k < s for k, s in zip(kernel, stride, strict=True)):
        return fed
    outputs = rng.randint(1, 9)
    weights, bias = grow.weights([outputs, *kernel, shape[3]], 0, outputs, fed)
    made = grow.tensor([1, *sizes, outputs])
    inputs = [grow.integers([1, *sizes, outputs]), weights, fed, *([bias] if bias >= 0 else [])]
    grow.sketch.operator(
        "TRANSPOSE_CONV",
        inputs,
        [made],
        padding=padding,
        strideH=stride[0],
        strideW=stride[1],
        fusedActivationFunction=_activation(rng),
    )
    return made


def blocks(grow: Grower, fed: int) -> int:
    rng, (_, rows, columns, channels) = grow.rng, grow.shape(fed)
    if rng.random() < 0.5 and rows % 2 == columns % 2 == 0:
        made = grow.tensor([1, rows // 2, columns // 2, channels * 4], like=fed)
        grow.sketch.operator("SPACE_TO_DEPTH", [fed], [made], blockSize=2)
        return made
    if channels % 4:
        return fed
    made = grow.tensor([1, rows * 2, columns * 2, channels // 4], like=fed)
    grow.sketch.operator("DEPTH_TO_SPACE", [fed], [made], blockSize=2)
    return made


def fully_connected(grow: Grower, fed: int) -> int:
    rng, shape = grow.rng, grow.shape(fed)
    keep = rng.random() < 0.5
    outputs = rng.randint(1, 10)
    whole = int(NUMPY.prod(shape))
    each = shape[-1] if keep else whole
    weights, bias = grow.weights([outputs, each], 0, outputs, fed)
    made = grow.tensor([*shape[:-1], outputs] if keep else [1, outputs])
    inputs = [fed, weights, bias] if bias >= 0 else [fed, weights]
    grow.sketch.operator(
        "FULLY_CONNECTED", inputs, [made], keepNumDims=keep, fusedActivationFunction=_activation(rng)
    )
    return made


def greatest(grow: Grower, fed: int) -> int:
    rng, shape = grow.rng, grow.shape(fed)
    axis = rng.randint(1, len(shape) - 1)
    made = grow.sketch.tensor([size for k, size in enumerate(shape) if k != axis], "INT32")
    grow.sketch.operator("ARG_MAX", [fed, grow.integers([axis])], [made], outputType=S.TensorType.INT32)
    return made


def dequantized(grow: Grower, fed: int) -> int:
    made = grow.sketch.tensor(grow.shape(fed), "FLOAT32")
    grow.sketch.operator("DEQUANTIZE", [fed], [made])
    return made


IMAGES: tuple[Callable[[Grower, int], int], ...] = (
    convolution,
    convolution,
    pool,
    resized,
    transposed_convolution,
    blocks,
)
ANY: tuple[Callable[[Grower, int], int], ...] = (
    binary,
    reduction,
    padding,
    concatenation,
    split,
    cut,
    reshaped,
    transposed,
    requantized,
    function,
    function,
    fully_connected,
)
MORE: tuple[Callable[[Grower, int], int], ...] = (extreme, sloped)
"""Apart, so that seeds give the networks that they gave before."""
ENDS: tuple[Callable[[Grower, int], int], ...] = (greatest, dequantized)


def random_network(rng: Random, length: int, more: tuple[Callable[[Grower, int], int], ...] = ()) -> bytes:
    """Return a file of about so many operators."""
    grow = Grower(rng)
    made = image(grow)
    for k in range(length):
        shape = grow.shape(made)
        choices = [*ANY, *more, *(IMAGES * 2 if len(shape) == 4 else ())]
        if k == length - 1 and rng.random() < 0.3:
            choices = list(ENDS)
        if len(shape) < 2:
            break
        made = rng.choice(choices)(grow, made)
        if int(NUMPY.prod(grow.shape(made))) > 20000:
            break
    if made in grow.inputs:
        made = requantized(grow, made)
    return grow.ended(made)


def unsigned(content: bytes, rng: Random) -> bytes:
    """Return a network of int8 as one of uint8: its numbers plus 128, scales of weights once per tensor."""
    model: Any = parse(content)
    (graph,) = model.subgraphs
    weights = {int(op.inputs[1]) for op in graph.operators if _kind(model, op) in _WEIGHTED}
    for number, tensor in enumerate(graph.tensors):
        if tensor.type != S.TensorType.INT8:
            continue
        by, data = tensor.quantization, model.buffers[tensor.buffer].data
        zero = rng.randint(1, 254) if number in weights else int(by.zeroPoint[0]) + 128
        tensor.type, by.scale, by.zeroPoint = S.TensorType.UINT8, [by.scale[0]], [zero]
        if data is not None:
            model.buffers[tensor.buffer].data = NUMPY.asarray(data, "uint8") ^ 128
    for op in graph.operators:
        if _kind(model, op) in _WEIGHTED:
            _share_scale([graph.tensors[t] for t in op.inputs if t >= 0])
    return pack(model)


_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


def _kind(model: Any, op: Any) -> str:
    code = model.operatorCodes[op.opcodeIndex].builtinCode
    return next((name for name in _WEIGHTED if getattr(S.BuiltinOperator, name) == code), "")


def _share_scale(tensors: list[Any]) -> None:
    """Give a bias the scale that its weights have now."""
    fed, weights = (t.quantization.scale[0] for t in tensors if t.type == S.TensorType.UINT8)
    for bias in tensors:
        if bias.type == S.TensorType.INT32 and bias.quantization is not None and len(bias.shape) == 1:
            bias.quantization.scale, bias.quantization.zeroPoint = [float(fed * weights)], [0]
