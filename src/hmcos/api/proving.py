"""Verify plans, allocate arenas, measure models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from hmcos.errors import OptionError
from hmcos.limits import SILENCE, Observer, Watch, never
from hmcos.memory.target import Target
from hmcos.network.opening import Openable, open_source
from hmcos.plan.plan import Plan
from hmcos.plan.row_plan import RowPlan
from hmcos.tasks.request import Request, chosen_limits, chosen_target

if TYPE_CHECKING:
    from hmcos.runtimes.onnxruntime.measured import Measurement
    from hmcos.tasks.measure.tflite import ArenaMeasurement
    from hmcos.tasks.place_lives import Allocation
    from hmcos.verify.checks import Verification

# What only one of these functions needs is imported in it.
# ruff: noqa: PLC0415


def verify(  # noqa: PLR0913 (one keyword per option of the command line, so that both say the same)
    model: Openable,
    result: str | PathLike[str] | Plan | RowPlan,
    *,
    bind: Mapping[str, int] | None = None,
    runs: int = 2,
    seed: int = 0,
    inputs: Mapping[str, str | PathLike[str]] | None = None,
    time_limit: int = 600,
    memory_limit: int = 16 * 2**30,
    cc: str | None = None,
    cmsis_nn: str | PathLike[str] | None = None,
) -> Verification:
    """Return the checks of a plan, a plan file, a reordered model or generated code, and whether each holds.

    Order, memory and arena are recounted by independent code; then both models run on `runs` inputs drawn
    from `seed`, and the network runs inside the planned arena. `bind` maps symbolic dimensions to sizes, by
    default those of the plan; `inputs` maps names of inputs to .npy files. The models run in a child process
    that may use `time_limit` seconds of processor time and `memory_limit` bytes. Code that `compile_c` wrote
    (a .c file, or its plan) is compiled by `cc`, by default the first of cc, gcc and clang that is installed.
    If it calls CMSIS-NN, `cmsis_nn` is the folder of that library, with Include and Source. It also runs on
    an emulated Cortex-M4 if zig and unicorn are installed.

    Raises:
        HmcosError: one of its subclasses for any wrong input. A plan that does not hold is a failed check; a
            check that cannot run has the answer "not run" and says why.
    """
    from hmcos.tasks.verify.run_options import Running
    from hmcos.tasks.verify.verification import verify_result

    files = {name: Path(file) for name, file in (inputs or {}).items()}
    library = None if cmsis_nn is None else Path(cmsis_nn)
    running = Running(runs, seed, files, time_limit, memory_limit, cc, library)
    return verify_result(model, result, running, bind)


def allocate(  # noqa: PLR0913 (one keyword per option of the command line, so that both say the same)
    path: str | PathLike[str],
    *,
    capacity: int | None = None,
    allocator: str = "auto",
    time_limit: float | None = None,
    jobs: int = 1,
    output: str | PathLike[str] | None = None,
    observer: Observer = SILENCE,
    interrupted: Callable[[], bool] = never,
) -> Allocation:
    """Return offsets for the lives in a CSV or JSON file; write them to `output`, if given and if they fit.

    With a `capacity` in bytes the search stops at the first arena that fits, or at the proof that none does;
    without one it looks for the smallest arena. `jobs` is the number of workers of the constraint solver.

    Raises:
        HmcosError: one of its subclasses for any wrong input. Reaching a limit or not fitting is a status.
    """
    from hmcos.tasks.place_lives import LivesRequest, allocate_file

    request, watch = LivesRequest(allocator, capacity, jobs), Watch(observer, interrupted)
    place = None if output is None else Path(output)
    return allocate_file(Path(path), request, place, chosen_limits(time_limit), watch)


def measure(
    model: Openable,
    *,
    target: str | PathLike[str] | Target = "default",
    bind: Mapping[str, int] | None = None,
    time_limit: float | None = 60.0,
    processes: int = 5,
) -> Measurement | ArenaMeasurement:
    """Return the memory that a runtime takes for a model in several orders, with the predicted peaks.

    An ONNX model runs on ONNX Runtime, in `processes` new processes per order; for a TensorFlow Lite model
    TFLM reports the size of its arena. `time_limit` is the seconds that the search for an order may take.

    Raises:
        HmcosError: one of its subclasses for any wrong input, or when the runtime refuses the model.
    """
    from hmcos.tasks.measure.measurers import measurer_of

    watch, opened = Watch(), open_source(model, bind)
    if opened.model is None:
        raise OptionError(f"{opened.source.name}: is a problem, not a model; only a model can be run")
    request = Request(chosen_target(target), limits=chosen_limits(time_limit))
    return measurer_of(opened.model)(opened, request, processes, watch)
