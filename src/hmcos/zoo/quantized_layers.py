"""Layers of 8-bit integers in the form QDQ: each operator is between DequantizeLinear and QuantizeLinear."""

from __future__ import annotations

import struct
from math import hypot, prod, sqrt

from hmcos.zoo.layers import BIAS, Convolution, Layers, Unit
from hmcos.zoo.network import INT8, INT32, Layer, NetworkBuilder, Parameter
from hmcos.zoo.weights import Weights

_SPREADS = 4.0
"""Standard deviations on both sides of 0 that 8 bits cover; behind a ReLU6 they cover 0 to 6 instead."""
_UNEVEN = 0.25
"""Largest relative difference between a channel's scale and the mean of all channels."""


class QuantizedLayers:
    """Adds quantized layers to one network: each method returns the number of the layer that it adds.

    The scales suit convolutions whose outputs have the variance 1, as after batch normalisation.
    """

    def __init__(self, network: NetworkBuilder, weights: Weights) -> None:
        self.network = network
        self._weights = weights
        self._floats = Layers(network, weights, fold_batch_norm=True)
        self._scales: dict[int, float] = {}
        self._spreads: dict[int, float] = {}

    def image(self, layout: str) -> int:
        """Return the network's input, channels first."""
        return self._even("image", self._floats.image(layout), 1.0)

    def unit(self, x: int, unit: Unit) -> int:
        """Return a convolution; for a ReLU6, its 8-bit integers cover just 0 to 6."""
        name = self.network.number(unit.family)
        conv = Convolution.of(self.network.shape(x), unit.channels, unit.window)
        parameters = self._parameters(name, x, conv.weight, conv.bound(unit.gain))
        made = self.network.append(name, Layer("Conv", (x, *parameters), conv.result, conv.attributes, ()))
        return self._relu6(name, made) if unit.relu6 else self._even(name, made, 1.0)

    def add(self, x: int, y: int) -> int:
        """Return x + y, of equal shapes."""
        name = self.network.number("add")
        made = self.network.append(name, Layer("Add", (x, y), self.network.shape(x), {}, ()))
        return self._even(name, made, hypot(self._spreads[x], self._spreads[y]))

    def dense(self, x: int, classes: int, gain: float) -> int:
        """Return one score per class: the mean of each channel, times a matrix, plus a bias."""
        batch, channels, *_ = shape = self.network.shape(x)
        name = self.network.number("global_average_pool")
        layer = Layer("GlobalAveragePool", (x,), (*shape[:2], 1, 1), {}, ())
        mean = self._relu6(name, self.network.append(name, layer))
        layer = Layer("Flatten", (mean,), (batch, channels), {"axis": 1}, ())
        flat = self._relu6("flatten", self.network.append("flatten", layer))
        parameters = self._parameters("dense", flat, (classes, channels), sqrt(3 * gain / channels))
        layer = Layer("Gemm", (flat, *parameters), (batch, classes), {"transB": 1}, ())
        return self._even("dense", self.network.append("dense", layer), 1.0)

    def _parameters(self, name: str, x: int, shape: tuple[int, ...], bound: float) -> tuple[int, int]:
        """Return weights of about -bound to bound, and biases in steps of weight scale times x scale."""
        made, source = shape[0], self._weights
        values = source.uniform_int8(prod(shape))
        factors = struct.unpack(f"<{made}f", source.uniform(made, _UNEVEN).packed())
        scales = [bound / 127 * (1 + factor) for factor in factors]
        zeros = Parameter("zero_point", (made,), bytes(made), INT8)
        weight = (Parameter("quantized", shape, values, INT8), _floats("scale", scales), zeros)
        products = [self._scales[x] * scale for scale in scales]
        drawn = struct.unpack(f"<{made}f", source.uniform(made, BIAS).packed())
        biases = struct.pack(f"<{made}i", *(round(b / p) for b, p in zip(drawn, products, strict=True)))
        bias = (Parameter("quantized", (made,), biases, INT32), _floats("scale", products))
        append = self.network.append
        return (
            append(f"{name}/weight", Layer("DequantizeLinear", (), shape, {"axis": 0}, weight)),
            append(f"{name}/bias", Layer("DequantizeLinear", (), (made,), {"axis": 0}, bias)),
        )

    def _relu6(self, name: str, x: int) -> int:
        """Return x as 8-bit integers that cover 0 to 6."""
        made = self._stepped(name, x, 6 / 255, -128)
        self._spreads[made] = 1.0
        return made

    def _even(self, name: str, x: int, spread: float) -> int:
        """Return x as 8-bit integers that cover both sides of 0; `spread` is the standard deviation of x."""
        made = self._stepped(name, x, 2 * _SPREADS * spread / 255, 0)
        self._spreads[made] = spread
        return made

    def _stepped(self, name: str, x: int, scale: float, zero_point: int) -> int:
        shape = self.network.shape(x)
        parameters = (
            Parameter("scale", (), struct.pack("<f", scale)),
            Parameter("zero_point", (), struct.pack("<b", zero_point), INT8),
        )
        quantize = Layer("QuantizeLinear", (x,), shape, {}, parameters, INT8)
        stored = self.network.append(f"{name}/quantize", quantize)
        made = self.network.append(
            f"{name}/dequantize", Layer("DequantizeLinear", (stored,), shape, {}, parameters)
        )
        self._scales[made] = scale
        return made


def _floats(role: str, values: list[float]) -> Parameter:
    return Parameter(role, (len(values),), struct.pack(f"<{len(values)}f", *values))
