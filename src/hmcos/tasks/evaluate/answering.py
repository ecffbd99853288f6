"""What a worker does: open a candidate, lower it, search its order, and answer with figures or an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import cast

from hmcos.errors import HmcosError, OptionError
from hmcos.limits import Limits, Status, Watch, for_bounds
from hmcos.memory.digest import digest_of
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.network.bodies import OpenBodies
from hmcos.network.lowering import Network
from hmcos.network.opening import Openable, Opened, open_source
from hmcos.plan.plan import TargetUsed
from hmcos.processes import says_out_of_memory
from hmcos.schedulers.scheduler_table import scheduler
from hmcos.staging import digest_of_file
from hmcos.tasks.evaluate.candidate import Kind, as_openable, kind_of, what_it_is
from hmcos.tasks.evaluate.question import Question
from hmcos.tasks.evaluate.row import (
    FAILED,
    INTERNAL,
    NO_MODEL,
    OUT_OF_MEMORY,
    Figures,
    failure,
    wrong_input,
)
from hmcos.tasks.inspection import inspect_source
from hmcos.tasks.request import Request
from hmcos.tasks.schedule.placement import place
from hmcos.tasks.schedule.solving import lowered
from hmcos.words import first_line

REMEMBERED = 4096
"""The most problems whose figures a worker remembers, for functions that build what was built before."""


@dataclass(frozen=True, slots=True)
class Lowered:
    """A network as numbers, and the rest of the limits: all that a search needs."""

    problem: Problem
    alignment: int
    limits: Limits
    open_bodies: OpenBodies | None = None
    is_bounded: bool = False
    """Whether sizes are counted that depend on data, so that they are only bounds."""

    @property
    def digest(self) -> str:
        """The hash of the numbers: equal ones have equal figures. The names of operators do not matter."""
        digest = digest_of(self.problem, self.alignment, self.limits.states, self.open_bodies)
        return f"{digest} at most" if self.is_bounded else digest

    def bare(self) -> Lowered:
        """Return the same without names, and without what the problem has computed and kept: fewer bytes."""
        names = ("",) * self.problem.operators
        return replace(self, problem=replace(self.problem, names=names, buffer_names=()))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker found out about a candidate."""

    found: Figures | str
    """The figures, or an error."""
    seconds: float
    digest: str = ""
    """The hash of the numbers, where the worker lowered the candidate; else empty."""
    sha256: str = ""
    """Of the file; empty for all that is no file, or that cannot be read."""

    def is_failure(self, kind: str) -> bool:
        """Return whether it is an error of a kind."""
        return isinstance(self.found, str) and self.found.startswith(f"{kind}: ")


class CandidateError(Exception):
    """A candidate without figures; the message is the error of its row."""


def lower_candidate(content: object, request: Request, watch: Watch) -> tuple[Lowered, str]:
    """Return a model or a problem as numbers, and the sha256 of its file, empty for all that is no file.

    Symbols to bind that it does not have are for other candidates.

    Raises:
        HmcosError: it is wrong input.
    """
    opened = _opened(as_openable(content), request.bind)
    network, limits = lowered(request, opened, watch.restarted())
    digest = opened.source.original_sha256 if opened.path is not None else ""
    bounded = network.is_bounded
    return Lowered(network.problem, network.target.alignment, limits, network.open_bodies, bounded), digest


def _opened(content: Openable, bind: Mapping[str, int]) -> Opened:
    """Return an opened candidate, with those symbols bound that it has."""
    try:
        return open_source(content, bind, numbers_only=True)
    except OptionError:
        symbols = inspect_source(content, None).symbols if bind else ()
        fitting = {symbol: size for symbol, size in bind.items() if symbol in symbols}
        if fitting == bind:
            raise
        return open_source(content, fitting, numbers_only=True)


def search(known: Lowered, request: Request, watch: Watch) -> Figures:
    """Return what is found out about a network within its limits, which count from when the watch started."""
    problem = known.problem
    network = Network(problem, TargetUsed("", known.alignment), (), (), open_bodies=known.open_bodies)
    schedule = network.find(scheduler(request.scheduler), known.limits, watch)
    placed = place(network, schedule, request.arena, known.limits, watch)
    found, arena = placed.schedule, None if placed.arena is None else placed.arena.size
    status, budget = found.status, known.limits.budget
    if status is Status.FITS and arena is not None and budget is not None and arena > budget:
        status = Status.FEASIBLE  # the order fits, these offsets do not
    status = for_bounds(status) if known.is_bounded else status
    given = peak(problem, range(problem.operators))
    return Figures(problem.operators, given, found.peak, found.lower_bound, arena, status)


def answer(question: Question, content: object, watch: Watch | None = None) -> Answer:
    """Return what is found out about a candidate, or the error that it causes; wrong input never raises.

    Args:
        question: what is asked of every candidate.
        content: the candidate, or the numbers that it was lowered to.
        watch: how to interrupt the search.
    """
    begun, watch = perf_counter(), watch or Watch()
    try:
        if isinstance(content, Lowered):
            return Answer(search(content, question.request, watch.restarted()), perf_counter() - begun)
        known, sha256 = lower_candidate(_called(content), question.request, watch)
        digest = known.digest
        found = _remembered(question, known, digest, watch.restarted())
        return Answer(found, perf_counter() - begun, digest, sha256)
    except Exception as error:  # also a fault of ours: it must not end the run
        found = error_of(error, question.memory)
    return Answer(found, perf_counter() - begun, sha256=file_digest(content))


def error_of(error: Exception, memory: int | None = None) -> str:
    """Return the error of the row of a candidate that raised an exception; `memory` is what it may take."""
    if isinstance(error, CandidateError):
        return str(error)
    if isinstance(error, HmcosError):
        return wrong_input(error)
    if isinstance(error, MemoryError) or (memory is not None and says_out_of_memory(str(error))):
        return failure(OUT_OF_MEMORY, beyond(memory))  # also of a library that could not be loaded
    return failure(INTERNAL, words_of(error))


def beyond(memory: int | None) -> str:
    """Return words for a candidate that needs more than so many bytes; None for all that there are."""
    limit = "this machine has" if memory is None else f"the {memory:,} bytes of its worker"
    return f"it needs more than {limit}"


def file_digest(content: object) -> str:
    """Return the sha256 of the file of a candidate; empty if it is no file, or cannot be read."""
    if kind_of(content) is not Kind.FILE:
        return ""
    try:
        path = Path(cast("PathLike[str]", content))
        return digest_of_file(path) if path.is_file() else ""  # a device may be endless
    except (HmcosError, OSError, ValueError):
        return ""


def _called(content: object) -> object:
    """Return a candidate, or what the function of one returns."""
    if kind_of(content) is not Kind.FUNCTION:
        return content
    try:
        built = cast("Callable[[], object]", content)()
    except (MemoryError, KeyboardInterrupt):  # in this process, Ctrl-C is the user's
        raise
    except BaseException as error:  # also what is meant to end a program
        raise CandidateError(failure(FAILED, words_of(error))) from error
    if kind_of(built) in (Kind.UNKNOWN, Kind.FUNCTION):
        raise CandidateError(failure(NO_MODEL, f"what the function returned: {what_it_is(built)}"))
    return built


_figures: dict[tuple[str, str], Figures] = {}
"""What this process found out before, by question and numbers; the oldest first."""


def _remembered(question: Question, known: Lowered, digest: str, watch: Watch) -> Figures:
    """Return what is found out about a network, without a search if this process has seen it before."""
    key = (question.digest, digest)
    found = _figures.get(key)
    if found is None:
        found = search(known, question.request, watch)
        if found.status is not Status.INTERRUPTED:
            if len(_figures) >= REMEMBERED:
                _figures.pop(next(iter(_figures)), None)
            _figures[key] = found
    return found


def words_of(error: BaseException) -> str:
    """Return the class of an exception and the first line of its message."""
    name, told = type(error).__name__, first_line(error)
    return name if told == name else f"{name}: {told}"
