"""What the kernels of custom operators request that TensorFlow Lite for Microcontrollers has itself.

Source: signal/micro/kernels and tensorflow/lite/micro/kernels of tflite-micro at 90b983c (2026-08), the file
named at each rule.
"""

from __future__ import annotations

from hmcos.frontends.tflite.kernels.node import Node, Requests, Rule

_WORD = 4
"""Bytes of an int and of a float."""
_CORNERS = 4
"""Numbers of a box."""


def detections(node: Node) -> Requests | None:
    """Return lists of boxes and scores.

    Source: DetectionPostProcessPrepare in detection_postprocess.cc.
    """
    boxes, scores = node.tensor(0), node.tensor(1)
    most, classes = node.setting("max_detections"), node.setting("num_classes")
    if boxes is None or scores is None or len(boxes.shape) != 3 or len(scores.shape) != 3:
        return None
    if most is None or classes is None:
        return None
    number = boxes.shape[1]
    each, every = _WORD * number, _WORD * number * most
    listed = each, each, every, every, each, every
    largest = each * max(classes, most), each * min(number, most)
    return number, each * _CORNERS, _WORD * scores.shape[1] * scores.shape[2], *listed, *largest


def spectrum(node: Node) -> Requests | None:
    """Return a number for each sample of a Fourier transform.

    Source: RfftPrepare in rfft.cc.
    """
    samples, length = node.tensor(0), node.setting("fft_length")
    if samples is None or length is None:
        return None
    return (length * samples.bits // 8,)


QUIET = (
    "CIRCULAR_BUFFER",
    "SignalDelay",
    "SignalEnergy",
    "SignalFftAutoScale",
    "SignalFilterBank",
    "SignalFilterBankLog",
    "SignalFilterBankSpectralSubtraction",
    "SignalFilterBankSquareRoot",
    "SignalFramer",
    "SignalIrfft",
    "SignalOverlapAdd",
    "SignalPCAN",
    "SignalStacker",
    "SignalWindow",
    "TFLM_DECODE",
)
"""Names of those whose kernels request nothing."""

CUSTOM: dict[str, Rule] = {"SignalRfft": spectrum, "TFLite_Detection_PostProcess": detections}
"""Name to what its kernel requests."""
