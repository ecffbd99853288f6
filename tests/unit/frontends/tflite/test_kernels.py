"""What the kernels of a model request, as their glue in the runtime decides it."""

from __future__ import annotations

from pathlib import Path

import pytest

import hmcos
from hmcos.errors import OptionError
from hmcos.frontends.kernel_table import kernel_set, names
from hmcos.frontends.tflite.kernels.asking import model_scratch, nodes
from hmcos.frontends.tflite.kernels.node import Requests
from hmcos.frontends.tflite.reading import model_in
from tflite_models import NUMPY, S, Sketch, conditional, one_operator


def model_of(sketch: Sketch) -> hmcos.Model:
    return model_in(sketch.bytes(), Path("m.tflite"))


def requests(kernels: str, sketch: Sketch) -> Requests | None:
    """Return what the kernel of the first operator requests."""
    return kernel_set(kernels).requests(next(nodes(model_of(sketch))))


def scales(number: int) -> object:
    return S.QuantizationParametersT(scale=[0.5] * number, zeroPoint=[0] * number)


def constant(sketch: Sketch, shape: list[int], element: str = "INT8", number: int = 1) -> int:
    elements = int(NUMPY.prod(shape))
    held = (elements + 1) // 2 if element == "INT4" else elements * {"INT8": 1, "INT16": 2}[element]
    data = NUMPY.zeros(held, "int8")
    return sketch.tensor(shape, element, data=data, quantization=scales(number))


def sliding(kind: str, element: str = "INT8", weights: str = "INT8", channels: int = 8) -> Sketch:
    """Return a convolution of 3 x 5 pixels over 9 x 9 with padding on the columns, to 16 channels."""
    sketch = Sketch()
    sketch.subgraph()
    fed = sketch.tensor([1, 9, 9, channels], element, quantization=scales(1))
    made = sketch.tensor([1, 9, 9, 16], element, quantization=scales(1))
    is_depthwise = kind == "DEPTHWISE_CONV_2D"
    shape = [1, 3, 5, 16] if is_depthwise else [16, 3, 5, channels]
    more = {"depthMultiplier": 16 // channels} if is_depthwise else {}
    how = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "padding": 0}
    sketch.operator(kind, [fed, constant(sketch, shape, weights), -1], [made], **how, **more)
    sketch.ports([fed], [made])
    return sketch


def dense(
    rank: int, of: tuple[int, int] = (1, 8), weights: str = "INT8", fed_weights: bool = False
) -> Sketch:
    """Return a fully connected operator of a tensor of some rank; `of` are the scales and inputs."""
    sketch = Sketch()
    sketch.subgraph()
    many, wide = of
    fed = sketch.tensor([1] * (rank - 1) + [wide])
    made = sketch.tensor([1] * (rank - 1) + [10])
    matrix = sketch.tensor([10, wide]) if fed_weights else constant(sketch, [10, wide], weights, many)
    sketch.operator("FULLY_CONNECTED", [fed, matrix, -1], [made], keepNumDims=True)
    sketch.ports([fed, matrix] if fed_weights else [fed], [made])
    return sketch


def average(element: str) -> Sketch:
    sketch = Sketch()
    sketch.subgraph()
    fed, made = (sketch.tensor([1, size, size, 24], element, quantization=scales(1)) for size in (8, 4))
    sizes = {"filterHeight": 2, "filterWidth": 2, "strideH": 2, "strideW": 2, "padding": 1}
    sketch.operator("AVERAGE_POOL_2D", [fed], [made], **sizes)
    sketch.ports([fed], [made])
    return sketch


def transposed(element: str, bias: str | None = None, channels: int = 4) -> Sketch:
    sketch = Sketch()
    sketch.subgraph()
    shape = sketch.tensor([4], "INT32", data=NUMPY.array([1, 8, 8, 6], "int32"))
    fed = sketch.tensor([1, 4, 4, channels], element, quantization=scales(1))
    made = sketch.tensor([1, 8, 8, 6], element, quantization=scales(1))
    read = [shape, constant(sketch, [6, 3, 3, channels]), fed]
    read += [constant(sketch, [6], bias)] if bias else []
    sketch.operator("TRANSPOSE_CONV", read, [made], strideH=2, strideW=2, padding=0)
    sketch.ports([fed], [made])
    return sketch


def cells(element: str) -> Sketch:
    """Return an LSTM of three steps, with 6 cells."""
    sketch = Sketch()
    sketch.subgraph()
    fed, made = (sketch.tensor([1, 3, wide], element, quantization=scales(1)) for wide in (8, 6))
    weights = [constant(sketch, [6, wide]) for wide in (8, 6) for _ in range(4)]
    biases = [constant(sketch, [6]) for _ in range(4)]
    states = [sketch.tensor([1, 6], kind, isVariable=True) for kind in (element, "INT16")]
    read = [fed, *weights, -1, -1, -1, *biases, -1, -1, *states, -1, -1, -1, -1]
    sketch.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", read, [made])
    sketch.ports([fed], [made])
    return sketch


def softmax(shape: list[int]) -> Sketch:
    return one_operator("SOFTMAX", shape=shape)


CASES: list[tuple[str, Sketch, dict[str, Requests | None]]] = [
    (
        "a convolution",
        sliding("CONV_2D"),
        {"reference": (), "cmsis-nn:c": (480,), "cmsis-nn:mve": (512,), "esp-nn:esp32": ()},
    ),
    (
        "a convolution of 16 bits",
        sliding("CONV_2D", "INT16"),
        {"cmsis-nn:dsp": (480,), "cmsis-nn:mve": (960,)},
    ),
    (
        "a convolution with weights of 4 bits",
        sliding("CONV_2D", weights="INT4"),
        {"reference": (1920,), "cmsis-nn:c": (480,), "esp-nn:esp32": (1920,)},
    ),
    (
        "a depthwise convolution",
        sliding("DEPTHWISE_CONV_2D", channels=16),
        {
            "reference": (),
            "cmsis-nn:c": (),
            "cmsis-nn:dsp": (480,),
            "cmsis-nn:mve": (7440,),
            "esp-nn:esp32s3": (2 * (240 + 1296) + 32,),
        },
    ),
    (
        "a depthwise convolution with weights of 4 bits",
        sliding("DEPTHWISE_CONV_2D", weights="INT4", channels=16),
        {"cmsis-nn:c": (480,), "cmsis-nn:mve": (7440,), "esp-nn:esp32s3": (240, 2 * (240 + 1296) + 32)},
    ),
    ("a depthwise one of 16 bits", sliding("DEPTHWISE_CONV_2D", "INT16", channels=16), {"cmsis-nn:mve": ()}),
    (
        "a dense operator",
        dense(2),
        {"reference": (), "cmsis-nn:dsp": (), "cmsis-nn:mve": (), "cmsis-nn:mve:size": (40,)},
    ),
    ("a dense operator with weights that come in", dense(2, fed_weights=True), {"cmsis-nn:mve": (40,)}),
    ("a dense operator with weights of 4 bits", dense(2, weights="INT4"), {"cmsis-nn:mve:size": ()}),
    (
        "a dense operator of images",
        dense(4),
        {
            "cmsis-nn:c": (80,),
            "cmsis-nn:dsp": (80,),
            "cmsis-nn:dsp:armclang": (80, 32),
            "cmsis-nn:mve": (80,),
        },
    ),
    ("one of images, a scale per channel", dense(4, of=(10, 8)), {"cmsis-nn:c": (), "cmsis-nn:mve": ()}),
    ("one of images of 6 channels", dense(4, of=(1, 6)), {"cmsis-nn:c": (), "cmsis-nn:mve:size": (40,)}),
    ("an average", average("INT8"), {"cmsis-nn:c": (), "cmsis-nn:dsp": (96,), "cmsis-nn:mve": ()}),
    ("an average of floats", average("FLOAT32"), {"cmsis-nn:dsp": ()}),
    (
        "a transposed convolution",
        transposed("INT8"),
        {"reference": (1536,), "cmsis-nn:c": ((3 * 2 + 3) * 6 * 3 * 4, 0)},
    ),
    (
        "a transposed convolution of many channels",
        transposed("INT8", channels=32),
        {"cmsis-nn:c": (1152, 1728), "cmsis-nn:mve": (1152, 1728)},
    ),
    (
        "a transposed convolution of 16 bits",
        transposed("INT16", "INT16"),
        {"reference": (3072, 48), "cmsis-nn:dsp": (3072, 48)},
    ),
    ("an LSTM", cells("INT8"), {"reference": (12,) * 4, "cmsis-nn:c": (12,) * 3, "cmsis-nn:mve": (12,) * 3}),
    (
        "a softmax",
        softmax([3, 7]),
        {"reference": (), "cmsis-nn:mve": (), "esp-nn:esp32": (28,), "esp-nn:esp32s3": (28,)},
    ),
    ("a softmax of one dimension", softmax([7]), {"esp-nn:esp32": None}),
    ("a kind that the runtime lacks", one_operator("ATAN2"), dict.fromkeys(names())),
    ("a transform of unknown length", one_operator("SignalRfft"), dict.fromkeys(names())),
    ("a custom operator of the runtime", one_operator("SignalWindow"), dict.fromkeys(names(), ())),
    ("a custom operator", one_operator("Mystery"), dict.fromkeys(names())),
]


@pytest.mark.parametrize(("sketch", "wanted"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_kernels_request_what_their_sources_say(sketch: Sketch, wanted: dict[str, Requests | None]) -> None:
    assert {kernels: requests(kernels, sketch) for kernels in wanted} == wanted


def test_sums_of_constant_weights_are_kept_where_the_build_is_for_speed() -> None:
    def kept(kernels: str, sketch: Sketch) -> Requests:
        return kernel_set(kernels).keeps(next(nodes(model_of(sketch))))

    assert kept("cmsis-nn:mve", dense(2)) == (40,)
    assert kept("cmsis-nn:mve", dense(4, of=(1, 6))) == (40,)
    for kernels in ("reference", "cmsis-nn:c", "cmsis-nn:dsp", "cmsis-nn:mve:size", "esp-nn:esp32s3"):
        assert kept(kernels, dense(2)) == ()
    assert kept("cmsis-nn:c", cells("INT8")) == (24,) * 8
    assert kept("cmsis-nn:mve:size", cells("INT16")) == (48,) * 8
    assert kept("reference", cells("INT8")) == ()
    for sketch in (dense(4), dense(2, fed_weights=True), dense(2, weights="INT4"), sliding("CONV_2D")):
        assert kept("cmsis-nn:mve", sketch) == ()


def test_scratch_is_rounded_up_piece_by_piece() -> None:
    model = model_of(dense(4))
    assert model_scratch("cmsis-nn:dsp:armclang", model) == {"FULLY_CONNECTED 0": 80 + 32}
    assert model_scratch("cmsis-nn:dsp", model_of(transposed("INT16", "INT16"))) == {"TRANSPOSE_CONV 0": 3120}
    assert model_scratch("reference", model) == {}


def test_operators_in_bodies_have_their_own_facts() -> None:
    sketch = conditional()
    sketch.model.subgraphs[2].operators[1].opcodeIndex = sketch.code("SOFTMAX")
    sketch.model.subgraphs[2].operators[1].inputs = [1]
    found = model_scratch("esp-nn:esp32", model_of(sketch))
    assert found == {"SOFTMAX 1 of subgraph 2": 400}


def test_without_options_the_scratch_is_unknown() -> None:
    sketch = sliding("CONV_2D")
    operator = sketch.model.subgraphs[0].operators[0]
    operator.builtinOptionsType, operator.builtinOptions = 0, None
    assert requests("cmsis-nn:c", sketch) is None
    assert requests("esp-nn:esp32s3", sketch) is None
    assert requests("reference", sketch) == ()


def test_an_unknown_name_lists_those_that_are_known() -> None:
    with pytest.raises(
        OptionError, match=r"no kernels are called 'cmsis-nn:m55'; there are reference, cmsis-nn:c, "
    ):
        kernel_set("cmsis-nn:m55")
