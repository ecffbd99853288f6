"""Measure a model on ONNX Runtime in several orders, and predict the peak of each."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from hmcos.errors import OptionError
from hmcos.folders import temporary_folder
from hmcos.frontends import loading
from hmcos.limits import Watch
from hmcos.network.opening import Opened
from hmcos.runtimes.onnxruntime.growth import GrowthTrial, taken
from hmcos.runtimes.onnxruntime.measured import Measured, Measurement
from hmcos.runtimes.onnxruntime.runtime import runtime
from hmcos.tasks.measure.file_order import file_order_peak
from hmcos.tasks.request import Request
from hmcos.tasks.schedule.task import run


def measure_orders(opened: Opened, request: Request, processes: int, watch: Watch) -> Measurement:
    """Return the memory of ONNX Runtime with default settings, in file order and in the planned order.

    Raises:
        OptionError: `processes` is not positive.
        ModelError: ONNX Runtime cannot run the model.
        ToolError: ONNX Runtime is not installed, or the system does not report the memory of a process.
    """
    runtime()
    model, name = opened.model, opened.source.name
    if processes < 1 or model is None:
        raise OptionError(f"{name}: measure takes an ONNX model and at least one process")
    plan = run(request, opened, watch).plan
    with temporary_folder() as folder:
        given, planned = (folder / file for file in ("given.onnx", "planned.onnx"))
        loading.save(model, {}, given)
        loading.save(model, plan.orders, planned)
        settings = (
            ("default settings", GrowthTrial(given, model.graph, False), None),
            ("file order", GrowthTrial(given, model.graph, True), file_order_peak(opened, request.target)),
            ("planned order", GrowthTrial(planned, model.graph, True), plan.peak),
        )
        rows = tuple(
            _summary(setting, [taken(trial, name) for _ in range(processes)], predicted)
            for setting, trial, predicted in settings
        )
    return Measurement(name, request.target.name, processes, rows)


def _summary(setting: str, growths: Sequence[int], predicted: int | None) -> Measured:
    return Measured(setting, int(statistics.median(growths)), min(growths), max(growths), predicted)
