"""Compile a network: rows, proof, code, and the check of all that before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike, fspath
from pathlib import Path

from hmcos.backends.c.generating import Generated, generate
from hmcos.backends.c.naming import Kernels, Naming
from hmcos.errors import ModelError, VerifyError
from hmcos.frontends.loading import format_called, format_of
from hmcos.frontends.model import Model
from hmcos.limits import Limits, Status, Watch
from hmcos.log import Log
from hmcos.memory.problem import Problem
from hmcos.network.opening import ZOO, Openable, Opened
from hmcos.network.streaming import program_of
from hmcos.plan.row_plan import RowPlan
from hmcos.streaming.program import Rows
from hmcos.tasks.compile.row_planning import row_plan_of
from hmcos.tasks.compile.whole_peak import whole_peak
from hmcos.verify.rows.row_checks import check_header, check_row_plan
from hmcos.words import human

_LOG = Log("hmcos.compile")


@dataclass(frozen=True, slots=True)
class CompileRequest:
    """How to compile a network."""

    naming: Naming
    rows: Rows = field(default_factory=Rows)
    limits: Limits = field(default_factory=Limits)
    compares: bool = True
    """Whether to find out what whole operators need, for comparison."""
    kernels: Kernels = Kernels.PLAIN


@dataclass(frozen=True)
class Compiled:
    """A network as C code, and the plan that it follows."""

    source: str = field(repr=False)
    """The C code."""
    header: str = field(repr=False)
    """Its header, which it includes as NAME.h."""
    plan: RowPlan
    """Which row is made when and where, what was proved, and the files if they were written."""
    opened: Opened = field(repr=False)
    """The network that was compiled."""

    @property
    def arena(self) -> int:
        """Bytes of memory that the code needs for everything that it computes, its input included."""
        return self.plan.arena

    @property
    def peak(self) -> int:
        """Bytes: the most that is live at any step; what the arena has above it is lost between rows."""
        return self.plan.peak

    @property
    def lower_bound(self) -> int:
        """Bytes: proved, no order of these row steps needs less."""
        return self.plan.lower_bound

    @property
    def flash(self) -> Mapping[str, int]:
        """What of the code is constant, in words, to its bytes; machine code is not among it."""
        return self.plan.flash

    def answer(self, budget: int) -> Status:
        """Return whether the code fits into so many bytes of memory, or is proved not to, row by row.

        What CMSIS-NN needs beside the arena counts, for the processor on which that is most.
        """
        if self.plan.memory <= budget:
            return Status.FITS
        return Status.DOES_NOT_FIT if self.lower_bound > budget else Status.FEASIBLE

    def write(self, file: str | PathLike[str], *, overwrite: bool = False) -> Compiled:
        """Write the code to a .c file, its header and its plan beside it, all or none; return it with them.

        `hmcos.report` makes the page of it.

        Raises:
            OutputError: they cannot be written; as for `hmcos.compile_c`.
        """
        from hmcos.tasks.compile.places import code_places, save  # noqa: PLC0415 (they take what is defined here)

        place = Path(file)
        return save(self, code_places(self.opened, place, self.plan.name, overwrite=overwrite))

    def __repr__(self) -> str:
        return (
            f"<Compiled {self.plan.name}: arena {human(self.arena)}, lower bound {human(self.lower_bound)}, "
            f"{self.plan.status}; {sum(self.flash.values()):,} bytes of constants>"
        )


def check_format(source: Openable) -> None:
    """Check that a source is of a format whose models can be compiled, before it is read.

    Raises:
        ModelError: it is of another one, or a problem; says what can be done.
    """
    name, is_able = "<problem>", False
    if isinstance(source, Model):
        name, is_able = str(source.path or "<model>"), format_called(source.format).runs_by_rows
    elif isinstance(source, str | PathLike):
        path: str = fspath(source)
        is_other = path.startswith(ZOO) or Path(path).suffix.lower() == ".json"
        name, is_able = path, not is_other and format_of(path).runs_by_rows
    elif not isinstance(source, Problem):
        name = "<model>"
    if not is_able:
        raise ModelError(
            f"{name}: only .tflite models can be compiled; convert the network to an int8 .tflite file"
        )


def compiled(opened: Opened, request: CompileRequest, watch: Watch) -> Compiled:
    """Return a network that `check_format` accepts as C code.

    Raises:
        ModelError: it cannot be compiled; names the file, the operator and the way out.
        VerifyError: the plan does not hold.
    """
    model = opened.model
    assert model is not None, "only models are compiled"
    program = program_of(model, request.rows, request.limits, watch)
    generated = generate(model, program, request.naming, request.kernels)
    plan = row_plan_of(program, opened.source, model.graph, request.naming)
    plan = replace(plan, flash=dict(generated.flash), seconds=round(watch.seconds, 6))
    plan = replace(plan, kernels=str(request.kernels), scratch=generated.scratch_sizes)
    recheck(model, plan, generated)
    _LOG.info("plan counted again by the verifier: it holds")
    if request.compares:
        plan = replace(plan, whole=whole_peak(opened, request.limits, watch))
    return Compiled(generated.source, generated.header, plan, opened)


def recheck(model: Model, plan: RowPlan, generated: Generated) -> None:
    """Check a plan and a header with code that is independent of what made them.

    Raises:
        VerifyError: something does not hold.
    """
    check_header(generated.header, plan)
    for check in check_row_plan(model.graph, format_called(model.format).rows(model), plan):
        if not check.held:
            raise VerifyError(f"check {check.name}: {check.words}")
