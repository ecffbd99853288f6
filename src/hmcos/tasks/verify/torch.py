"""Check an exported program of PyTorch against its source, by comparing and by running both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hmcos.errors import ModelError, VerifyError
from hmcos.folders import temporary_folder
from hmcos.frontends import loading
from hmcos.frontends.feeding import own_inputs
from hmcos.frontends.loading import format_called
from hmcos.frontends.model import Model
from hmcos.memory.target import load_target
from hmcos.network.opening import open_source
from hmcos.plan.plan import Plan
from hmcos.processes import Allowance
from hmcos.runtimes.torch.trial import Trial, Tried, tried
from hmcos.tasks.measure.file_order import file_order_peak
from hmcos.tasks.verify.run_options import Runner, Running
from hmcos.verify.checks import Check, attempt
from hmcos.verify.counted.order_check import check_order, check_planned


def ran(model: Model, plan: Plan | None, written: Path | None, running: Running) -> list[Check]:
    """Return the checks that compare a written program with its source and run both."""
    with temporary_folder() as folder:
        if written is None and plan is not None:
            written = folder / "reordered.pt2"
            loading.save(model, plan.orders, written)
        assert written is not None  # a result without a plan is a path
        same = compared(model, plan, written)
        if not same.held:
            return [same]
        source = model.path
        if source is None or written.absolute() == source.absolute():
            source = folder / "source.pt2"
            loading.save(model, {}, source)
        own = {
            model.graph.tensors[t].name: bytes(b)
            for t, b in own_inputs(model.graph, running.inputs or {}).items()
        }
        trial = Trial(source.absolute(), written.absolute(), model.bind, running.runs, running.seed, own)
        outcome: list[Tried] = []

        def run() -> str:
            outcome.append(tried(trial, Allowance(running.seconds, running.memory)))
            return (
                f"{outcome[0].outputs} outputs are bit-equal on {running.runs} inputs (seed {running.seed})"
            )

        checks = [same, attempt("same function", run)]
        if outcome:
            found = outcome[0]
            checks.append(attempt("live storages", lambda: _memory(model, plan, written, found)))
        return checks


def compared(model: Model, plan: Plan | None, written: Path) -> Check:
    """Return the check that a written program is the source in the planned order, without running it."""
    return attempt("written model", lambda: _written(model, plan, written))


def _written(model: Model, plan: Plan | None, written: Path) -> str:
    try:
        orders = format_called(model.format).orders_in(model, written)
    except ModelError as error:
        raise VerifyError(str(error)) from error
    for path, planned in ({} if plan is None else plan.orders).items():
        check_planned(orders.get(path, ()), planned, f"{path}: " if path else "")
    check_order(model.graph, orders[""])
    count = f"the source's {len(orders['']):,} operators"
    return f"{written.name}: {count} in a valid order, and nothing else changed"


def _memory(model: Model, plan: Plan | None, written: Path, found: Tried) -> str:
    """Return what was measured, after comparing it with what the order of the file needs.

    Where operators run graphs inside themselves, data decide which and how often: then they may need less.
    """
    within, at_borders = _counted(written, model.bind)
    depends = " at most" if any(op.bodies for op in model.graph.operators) else ""
    note = ""
    if not _agree(found.result_peak, within, depends):
        if not _agree(found.result_border_peak, at_borders, depends):
            raise VerifyError(
                f"live storages took {found.result_border_peak:,} bytes at the borders of operators, "
                f"but the order needs{depends} {at_borders:,} there"
            )
        note = f"; composite operators held other temporaries than counted ({within:,} with them)"
    plain = plan is not None and plan.target.name == "torch" and plan.target.alignment == 1
    if plan is not None and plain and not plan.target.external_io and plan.peak != within:
        raise VerifyError(f"the order of the file needs {within:,} bytes, but the plan says {plan.peak:,}")
    workspace = max(0, found.result_allocated - found.result_peak)
    return (
        f"at most {found.result_peak:,} bytes at once, counted{depends} {within:,}{note}; in the order of "
        f"the source {found.source_peak:,}; the allocator handed out {found.result_allocated:,}, "
        f"{workspace:,} of it workspace of kernels, and {found.source_allocated:,} for the source"
    )


def _agree(measured: int, counted: int, depends: str) -> bool:
    return measured <= counted if depends else measured == counted


def _counted(written: Path, bind: Mapping[str, int]) -> tuple[int, int]:
    """Return the bytes that a program needs in the order of its file, its bodies in file order too.

    The second figure leaves out what composite operators hold inside themselves.
    """
    opened = open_source(written, bind or None)
    assert opened.model is not None, "a file of this format is a model"
    graph = opened.model.graph
    operators = tuple(op if op.bodies else replace(op, temporaries=()) for op in graph.operators)
    bare = replace(opened, model=replace(opened.model, graph=replace(graph, operators=operators)))
    target = load_target("torch")
    return file_order_peak(opened, target), file_order_peak(bare, target)


RUNNER = Runner(ran, compared)
