"""What the kernels of esp-tflite-micro that call ESP-NN request.

Source: tensorflow/lite/micro/kernels/esp_nn of esp-tflite-micro 1.4.0 (99f49e1, 2026-08), the file named at
each rule. Kinds without a kernel there have the reference one.
"""

from __future__ import annotations

from collections.abc import Callable

from hmcos.frontends.tflite.kernels import esp_nn_sizes as sizes
from hmcos.frontends.tflite.kernels.kernel_set import KernelSet
from hmcos.frontends.tflite.kernels.node import Image, Node, Requests, Sliding
from hmcos.frontends.tflite.kernels.reference import RULES, unpacked_weights

_Size = Callable[[Node, Image, Image, Image, Sliding], int]


def _sliding(node: Node, size: _Size) -> Requests | None:
    """Return what conv.cc and depthwise_conv.cc request: unpacked weights, and what ESP-NN needs."""
    unpacked, images = unpacked_weights(node), node.images(0, 1)
    if node.element() != "int8":
        return unpacked
    if images is None:
        return None
    data, window, output = images
    how = node.sliding(data, window, output)
    if how is None:
        return None
    return *unpacked, size(node, data, window, output, how)


def _convolution(node: Node) -> Requests | None:
    return _sliding(node, lambda _, *seen: sizes.convolution(*seen))


def _depthwise(node: Node) -> Requests | None:
    return _sliding(node, lambda op, *seen: sizes.depthwise(*seen, op.options.depthMultiplier))


def _softmax(node: Node) -> Requests | None:
    """Return what softmax.cc requests: its second dimension counts, whatever the first and the third are."""
    data, output = node.tensor(0), node.output
    if data is None or output is None:
        return None
    if not data.element == output.element == "int8":
        return ()
    return (sizes.softmax(data.shape[1]),) if len(data.shape) > 1 else None


ESP32 = KernelSet("ESP-NN, generic optimizations", {**RULES, "SOFTMAX": _softmax})
ESP32_S3 = KernelSet(
    "ESP-NN on an ESP32-S3",
    {**RULES, "CONV_2D": _convolution, "DEPTHWISE_CONV_2D": _depthwise, "SOFTMAX": _softmax},
)
