"""What the kernels of esp-tflite-micro that call ESP-NN request.

Source: tensorflow/lite/micro/kernels/esp_nn of esp-tflite-micro 1.4.0 (99f49e1, 2026-08), the file named at
each rule. Kinds without a kernel there have the reference one.
"""

from __future__ import annotations

from hmcos.frontends.tflite.kernels import esp_nn_sizes as sizes
from hmcos.frontends.tflite.kernels.kernel_set import KernelSet
from hmcos.frontends.tflite.kernels.node import Node, Requests
from hmcos.frontends.tflite.kernels.reference import RULES, unpacked_weights


def _convolution(node: Node) -> Requests | None:
    """Return what conv.cc requests: weights of 4 bits unpacked, and what ESP-NN needs."""
    unpacked = unpacked_weights(node)
    if node.element() != "int8":
        return unpacked
    seen = node.window()
    return None if seen is None else (*unpacked, sizes.convolution(*seen))


def _depthwise(node: Node) -> Requests | None:
    """Return what depthwise_conv.cc requests: weights of 4 bits unpacked, and what ESP-NN needs."""
    unpacked = unpacked_weights(node)
    if node.element() != "int8":
        return unpacked
    seen = node.window()
    return None if seen is None else (*unpacked, sizes.depthwise(*seen, node.options.depthMultiplier))


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
