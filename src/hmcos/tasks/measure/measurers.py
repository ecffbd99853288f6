"""The table of the functions that measure models, by format."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from hmcos.frontends.model import Model
from hmcos.limits import Watch
from hmcos.network.opening import Opened
from hmcos.registry import imported
from hmcos.runtimes.onnxruntime.measured import Measurement
from hmcos.tasks.request import Request

if TYPE_CHECKING:
    from hmcos.tasks.measure.tflite import ArenaMeasurement

MEASURERS: dict[str, str] = {
    "onnx": "hmcos.tasks.measure.onnx:measure_orders",
    "tflite": "hmcos.tasks.measure.tflite:measure_arena",
    "pt2": "hmcos.tasks.measure.torch:measure_orders",
}
"""Format to "module:function", imported on demand."""


def measurer_of(model: Model) -> Callable[[Opened, Request, int, Watch], Measurement | ArenaMeasurement]:
    """Return the function that measures a model of this format; its third argument is processes per order."""
    return cast(
        "Callable[[Opened, Request, int, Watch], Measurement | ArenaMeasurement]",
        imported(MEASURERS[model.format]),
    )
