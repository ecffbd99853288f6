"""All that the command line does, as functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from hmcos.errors import OptionError
from hmcos.folders import temporary_folder
from hmcos.frontends.model import Model
from hmcos.memory.instance import write_instance
from hmcos.memory.problem import Problem
from hmcos.memory.target import Target
from hmcos.plan.limits import SILENCE, Limits, Observer, never
from hmcos.plan.plan import Plan, Seconds
from hmcos.plan.schedule import Schedule
from hmcos.plan.staging import identities, write
from hmcos.schedulers.table import scheduler as scheduler_called
from hmcos.stages.assembly import assemble
from hmcos.stages.choices import chosen_limits, chosen_target
from hmcos.stages.header import check_emit
from hmcos.stages.lowering import Network, lower_network
from hmcos.stages.opening import ZOO, Openable, open_source
from hmcos.stages.places import check_apart, check_file, output_places, target_file
from hmcos.stages.placing import Placing, chosen_placing, place, with_arena
from hmcos.stages.saving import save
from hmcos.stages.tflite import FORMAT, check_offsets, tensor_offsets
from hmcos.stages.verification import verify_plan_of
from hmcos.zoo.catalogue import names as zoo_names

if TYPE_CHECKING:
    from hmcos.runtimes.measured import Measurement
    from hmcos.stages.allocating import Allocation
    from hmcos.stages.comparing import Comparison
    from hmcos.stages.experiment import Experiment
    from hmcos.stages.explaining import Explanation
    from hmcos.stages.inspection import Inspection
    from hmcos.stages.tflite_proving import ArenaMeasurement
    from hmcos.verify.checks import Verification

# What only one of these functions needs is imported in it: all together would double the time that
# `hmcos schedule` takes to start.


def schedule(  # noqa: PLR0913 (one keyword per option of the command line, so that both say the same)
    model: Openable,
    *,
    scheduler: str = "optimal",
    target: str | PathLike[str] | Target = "default",
    bind: Mapping[str, int] | None = None,
    time_limit: float | None = None,
    state_limit: int | None = None,
    budget: int | None = None,
    alignment: int | None = None,
    output: str | PathLike[str] | None = None,
    allocator: str | None = None,
    minimize: str = "peak",
    external_io: bool = False,
    emit: str | None = None,
    overwrite: bool = False,
    offsets: bool = True,
    seed: int = 0,
    observer: Observer = SILENCE,
    interrupted: Callable[[], bool] = never,
    keep: Callable[[Network], object] | None = None,
    beside: Iterable[str] = (),
) -> Plan:
    """Return the plan of the least-memory order of a network; write it and the model if asked to.

    `model` is a path (.onnx, or .json for a problem), "zoo:NAME", an ONNX model in memory, or what
    `load` returned; `target` a shipped name, a TOML file or a `Target`; `bind` maps symbolic dimensions
    to sizes. The search ends after `time_limit` seconds, `state_limit` states, when `interrupted()` is
    true, or, with a `budget` in bytes, at the first order within it or proof that there is none.
    `alignment` in bytes replaces the target's; `output` is the folder for model and plan.json, None to
    write nothing. `allocator` lays out the arena, "auto" when not given; with a budget there is an arena
    only when one is given. `minimize="arena"` accepts a higher peak for a smaller arena; `external_io` is
    for callers that supply the memory of inputs and outputs; `emit="c"` writes a C header beside the plan.
    A folder that holds the plan of another source is refused without `overwrite`.
    `offsets=False` leaves the offsets of the arena out of a TensorFlow Lite model.
    `seed` is for random orders and planners; `observer` is told how the search goes on; `keep` is handed
    the network, for whoever explains the plan without reading it again; `beside` names further files that the
    caller will write into the folder, so that they are checked with the others.

    Raises:
        HmcosError: one of its subclasses for any wrong input; limits and budgets are statuses.
    """
    begun = perf_counter()
    search, rules = scheduler_called(scheduler), chosen_target(target)
    limits = chosen_limits(time_limit, state_limit, budget, seed, interrupted)
    placing = chosen_placing(allocator, minimize, budget)
    check_emit(emit, output is not None and placing is not None)
    opened = open_source(model, bind)
    places = None
    if output is not None:
        header, inputs = emit is not None, target_file(target)
        places = output_places(
            opened, Path(output), header=header, beside=beside, inputs=inputs, overwrite=overwrite
        )
    loaded = perf_counter()
    limits = replace(limits, started=loaded)
    network = lower_network(opened, rules, alignment, limits, observer, external_io)
    if offsets and None not in (places, placing):
        check_offsets(opened.content, network.problem, network.target.alignment)
    if keep is not None:
        keep(network)
    found = network.find(search, observer)
    seconds = Seconds(loaded - begun, perf_counter() - loaded, 0.0, 0.0)
    plan = _planned(network, found, placing, seconds, observer)
    planned = perf_counter()
    plan = replace(plan, seconds=replace(seconds, total=planned - begun))
    if places is None:
        return plan
    verify_plan_of(network, plan)
    at = tensor_offsets(opened.content, network.sharing, plan) if offsets else None
    return save(plan, opened, places, planned, at)


def _planned(
    network: Network, found: Schedule, placing: Placing | None, seconds: Seconds, observer: Observer
) -> Plan:
    if placing is None:
        return assemble(network, found, seconds)
    placed = place(network, found, placing, observer)
    return with_arena(network, assemble(network, placed.schedule, seconds), placed)


def compare(
    model: Openable,
    *,
    target: str | PathLike[str] | Target = "default",
    bind: Mapping[str, int] | None = None,
    time_limit: float | None = None,
    alignment: int | None = None,
    observer: Observer = SILENCE,
) -> Comparison:
    """Return what every scheduler finds for a network; `time_limit` is seconds for each of them.

    Raises:
        HmcosError: one of its subclasses for any wrong input.
    """
    from hmcos.stages.comparing import compare_schedulers

    limits = chosen_limits(time_limit)
    rules, opened = chosen_target(target), open_source(model, bind)
    network = lower_network(opened, rules, alignment, replace(limits, started=perf_counter()), observer)
    return compare_schedulers(network, observer)


def experiment(
    networks: Iterable[str] | None = None,
    *,
    target: str | PathLike[str] | Target = "hmcos",
    time_limit: float | None = None,
    alignment: int | None = None,
    observer: Observer = SILENCE,
    interrupted: Callable[[], bool] = never,
) -> Experiment:
    """Return the paper's experiment: several orders of networks, and the arenas of each order.

    `networks` are paths or zoo names, by default all of the zoo; `time_limit` is seconds for each search;
    `interrupted` ends them all with what they have.

    Raises:
        HmcosError: one of its subclasses for any wrong input.
    """
    from hmcos.stages.experiment import run_experiment

    named = [f"{ZOO}{name}" for name in zoo_names()] if networks is None else networks
    limits = chosen_limits(time_limit, interrupted=interrupted)
    return run_experiment(named, chosen_target(target), alignment, limits, observer)


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
    from hmcos.stages.proving import prove
    from hmcos.stages.running import Running

    files = {name: Path(file) for name, file in (inputs or {}).items()}
    return prove(model, result, Running(runs, seed, files, time_limit, memory_limit), bind)


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
    from hmcos.stages.allocating import Request, allocate_file

    limits = chosen_limits(time_limit, interrupted=interrupted)
    request = Request(allocator, capacity, jobs)
    return allocate_file(Path(path), request, None if output is None else Path(output), limits, observer)


def explain(  # noqa: PLR0913 (one keyword per option of the command line, so that both say the same)
    model: Openable,
    plan: Plan | None = None,
    *,
    target: str | PathLike[str] | Target = "default",
    bind: Mapping[str, int] | None = None,
    time_limit: float | None = None,
    alignment: int | None = None,
    external_io: bool = False,
    observer: Observer = SILENCE,
    interrupted: Callable[[], bool] = never,
) -> Explanation:
    """Return why a network needs its memory, and what would make it less.

    With a `plan` of the network it is that plan which is explained, and the options of searches have no
    effect. `time_limit` is seconds for the order, and as many again for trying changes.

    Raises:
        HmcosError: one of its subclasses for any wrong input.
    """
    from hmcos.stages.explaining import explain_plan
    from hmcos.stages.planned import network_of

    if plan is None:
        plan = schedule(
            model,
            target=target,
            bind=bind,
            time_limit=time_limit,
            alignment=alignment,
            external_io=external_io,
            observer=observer,
            interrupted=interrupted,
        )
    limits = chosen_limits(time_limit, interrupted=interrupted)
    network = network_of(plan, model)
    observer.progress("advice", 0, 0, 0)
    return explain_plan(network, plan, replace(limits, started=perf_counter()))


def inspect(model: Openable, *, bind: Mapping[str, int] | None = None) -> Inspection:
    """Return what is in a network: inputs, outputs, operators by kind, sizes, symbols to bind.

    Raises:
        HmcosError: one of its subclasses for any wrong input.
    """
    from hmcos.stages.inspection import inspect_source

    return inspect_source(model, bind)


def load(model: Openable, *, bind: Mapping[str, int] | None = None) -> Model | Problem:
    """Return a network, read and checked: a Model, or a Problem when it is given as numbers.

    Raises:
        HmcosError: one of its subclasses for any wrong input.
    """
    return open_source(model, bind).content


def lower(
    model: Openable,
    *,
    target: str | PathLike[str] | Target = "default",
    bind: Mapping[str, int] | None = None,
    alignment: int | None = None,
) -> Problem:
    """Return a network as the numbers that the search sees, on a target.

    Raises:
        HmcosError: one of its subclasses for any wrong input.
    """
    return lower_network(
        open_source(model, bind), chosen_target(target), alignment, Limits(), SILENCE
    ).problem


def export_instance(
    model: Openable,
    path: str | PathLike[str],
    *,
    target: str | PathLike[str] | Target = "default",
    bind: Mapping[str, int] | None = None,
    alignment: int | None = None,
) -> Problem:
    """Write a network as the numbers that the search sees, and return them.

    Raises:
        HmcosError: one of its subclasses for any wrong input, or for a path that cannot be written.
    """
    place = Path(path)
    check_file(place)
    opened = open_source(model, bind)
    check_apart(place, identities(*opened.files, *target_file(target)))
    problem = lower_network(opened, chosen_target(target), alignment, Limits(), SILENCE).problem
    write(place, write_instance(problem).encode())
    return problem


def measure_arena(
    model: Openable,
    *,
    target: str | PathLike[str] | Target = "default",
    time_limit: float | None = None,
) -> ArenaMeasurement:
    """Return the arena that TFLM reports for a TensorFlow Lite model: as it is, reordered, with offsets.

    Raises:
        HmcosError: one of its subclasses for any wrong input, and when the runtime refuses the model.
    """
    from hmcos.stages.tflite_proving import measure_tflite

    content = load(model)
    if not isinstance(content, Model) or content.format != FORMAT:
        raise OptionError(f"{model}: only a TensorFlow Lite model has an arena that TFLM can tell of")
    with temporary_folder() as folder:
        plan = schedule(content, target=target, time_limit=time_limit, output=folder)
        written = Path(plan.outputs.model or "").read_bytes()
    return measure_tflite(content, plan, written)


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
    opened = open_source(model, bind)
    if not isinstance(opened.content, Model):
        raise OptionError(f"{opened.source.name}: is a problem given as numbers; only a model can be run")
    if opened.content.format == FORMAT:
        return measure_arena(opened.content, target=target, time_limit=time_limit)
    from hmcos.stages.measuring import measure_orders

    rules = chosen_target(target)
    return measure_orders(opened.content, opened.source.name, rules, time_limit, processes)
