"""Plans and arenas, proved, run and measured."""

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
    result: str | PathLike[str] | Plan,
    *,
    bind: Mapping[str, int] | None = None,
    runs: int = 2,
    seed: int = 0,
    inputs: Mapping[str, str | PathLike[str]] | None = None,
    time_limit: int = 600,
    memory_limit: int = 16 * 2**30,
) -> Verification:
    """Return what was checked of a plan, a plan file or a reordered model, and whether it held.

    Order, memory and arena are counted once more; then both models run on `runs` inputs drawn from `seed`,
    and the network runs inside the planned arena. `bind` maps symbolic dimensions to sizes, by default
    those of the plan; `inputs` are .npy files by the name of an input. The
    models run in a process of their own, with `time_limit` seconds and `memory_limit` bytes.

    Raises:
        HmcosError: one of its subclasses for any wrong input; what does not hold is a failed check, and what
            keeps a check from running is the words of one whose answer is "not run".
    """
    from hmcos.tasks.verify.run_options import Running
    from hmcos.tasks.verify.verification import verify_result

    files = {name: Path(file) for name, file in (inputs or {}).items()}
    return verify_result(model, result, Running(runs, seed, files, time_limit, memory_limit), bind)


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
    """Return offsets for the lives in a CSV or JSON file; write them where they are asked for, if they fit.

    With a `capacity` in bytes the search ends at the first arena within it or the proof that there is
    none, otherwise at the smallest; `jobs` are workers of the constraint solver.

    Raises:
        HmcosError: one of its subclasses for any wrong input; limits and capacities are statuses.
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
    """Return the memory that a runtime takes for a model in several orders, beside what is predicted.

    An ONNX model runs on ONNX Runtime, in `processes` fresh processes per order; of a TensorFlow Lite model
    it is the arena that TFLM reports. `time_limit` is seconds for the search of the planned order.

    Raises:
        HmcosError: one of its subclasses for any wrong input, and when the runtime refuses the model.
    """
    from hmcos.tasks.measure.measurers import measurer_of

    watch, opened = Watch(), open_source(model, bind)
    if opened.model is None:
        raise OptionError(f"{opened.source.name}: is a problem given as numbers; only a model can be run")
    request = Request(chosen_target(target), limits=chosen_limits(time_limit))
    return measurer_of(opened.model)(opened, request, processes, watch)
