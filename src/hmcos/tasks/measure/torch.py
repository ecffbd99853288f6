"""Measure an exported program of PyTorch in the order of the source and in the planned order."""

from __future__ import annotations

from hmcos.errors import OptionError
from hmcos.folders import temporary_folder
from hmcos.frontends import loading
from hmcos.limits import Watch
from hmcos.memory.target import load_target
from hmcos.network.opening import Opened, open_source
from hmcos.processes import AMPLE
from hmcos.runtimes.onnxruntime.measured import Measured, Measurement
from hmcos.runtimes.torch.trial import Trial, tried
from hmcos.tasks.measure.file_order import file_order_peak
from hmcos.tasks.request import Request
from hmcos.tasks.schedule.task import run


def measure_orders(opened: Opened, request: Request, processes: int, watch: Watch) -> Measurement:
    """Return the bytes of live storages, and of PyTorch's allocator, in both orders; in one process.

    Raises:
        ToolError: torch is not installed.
        NotRunError: the program does not run on random inputs.
        LimitError: a limit of time or memory ended the run.
    """
    del processes  # storages are counted, so every process counts the same
    model = opened.model
    if model is None:
        raise OptionError(f"{opened.source.name}: measure takes a model")
    plan = run(request, opened, watch).plan
    with temporary_folder() as folder:
        given, planned = (folder / file for file in ("given.pt2", "planned.pt2"))
        loading.save(model, {}, given)
        loading.save(model, plan.orders, planned)
        found = tried(Trial(given, planned, model.bind, 1, 0), AMPLE)
        counted = [
            file_order_peak(open_source(file, model.bind or None), load_target("torch"))
            for file in (given, planned)
        ]
    rows = (
        _row("source order, live storages", found.source_peak, counted[0]),
        _row("planned order, live storages", found.result_peak, counted[1]),
        _row("source order, allocator", found.source_allocated, None),
        _row("planned order, allocator", found.result_allocated, None),
    )
    return Measurement(opened.source.name, "torch", 1, rows, "PyTorch")


def _row(setting: str, measured: int, predicted: int | None) -> Measured:
    return Measured(setting, measured, measured, measured, predicted)
