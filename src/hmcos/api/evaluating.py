"""Evaluate many networks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Executor
from os import PathLike
from pathlib import Path

from hmcos.errors import OptionError
from hmcos.limits import cores, never
from hmcos.memory.problem import Problem
from hmcos.memory.target import Target
from hmcos.tasks.evaluate.candidate import Content, files_of
from hmcos.tasks.evaluate.evaluation import Evaluation, Setting, rows_of
from hmcos.tasks.evaluate.executors import Given
from hmcos.tasks.evaluate.question import Question, question_of
from hmcos.tasks.evaluate.rows_file import RowsFile, Standing
from hmcos.tasks.evaluate.workers import Here, Processes, Workers
from hmcos.tasks.places import check_file, target_file
from hmcos.tasks.request import Request, chosen_arena, chosen_limits, chosen_target


def evaluate(  # noqa: PLR0913 (one keyword per option of the command line, so that both say the same)
    candidates: Iterable[Content | tuple[str, Content]],
    *,
    target: str | PathLike[str] | Target = "default",
    budget: int | None = None,
    jobs: int | None = None,
    output: str | PathLike[str] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    executor: Executor | None = None,
    memory_limit: int | None = None,
    scheduler: str = "optimal",
    bind: Mapping[str, int] | None = None,
    time_limit: float | None = None,
    state_limit: int | None = None,
    alignment: int | None = None,
    allocator: str | None = None,
    external_io: bool = False,
    seed: int = 0,
    interrupted: Callable[[], bool] = never,
) -> Evaluation:
    """Return the rows of many networks, as they are completed: peak, lower bound, arena, or an error.

    `candidates` is any iterable, also an endless one, of paths, "zoo:NAME", models in memory, problems,
    functions that return one of these, and pairs of a name and one of these. Functions run in the workers, so
    they must be picklable; models in memory are lowered here. Wrong input is a row with an error, and never
    ends the run.

    `jobs` is the number of worker processes, by default one per core; 1 works in this process. `executor` is
    any `concurrent.futures.Executor` instead, such as `dask.distributed.Client(address).get_executor()`;
    `jobs` is then the number of its workers, if it does not say that itself. At most twice as many candidates
    as workers are taken ahead. `memory_limit` is the most bytes that each process may take. A worker that
    dies costs one row, after its candidate was tried once more alone.

    `output` is a file of rows, .jsonl or .csv, to which each row is appended at once. It must not be there
    yet, unless `resume` is true, which takes from it the rows of the same models and the same request, or
    `overwrite` is. Once `interrupted()` is true, the rows end.

    The other options are those of `schedule`, for each network; `time_limit` is in seconds. With a `budget`
    in bytes, the status of a row says whether the network fits, and there is no arena unless an `allocator`
    is named. Equal problems are searched once.

    Raises:
        HmcosError: an option is wrong, the output cannot be written, or no worker can be started.
    """
    if isinstance(candidates, str | PathLike | Problem) or not hasattr(candidates, "__iter__"):
        raise OptionError("candidates are a list or another iterable: write [model], not model")
    for option, value in (("jobs", jobs), ("memory limit", memory_limit)):
        if value is not None and value < 1:
            raise OptionError(f"{option}: at least 1, not {value}")
    if isinstance(executor, type):
        raise OptionError(f"an executor, not its class: write {executor.__name__}(...)")
    if executor is not None and not hasattr(executor, "submit"):
        raise OptionError(
            f"an executor is one of concurrent.futures, not of the type {type(executor).__name__}"
        )
    if alignment is not None and alignment < 1:
        raise OptionError(f"an alignment is at least 1 byte, not {alignment}")
    if executor is not None and memory_limit is not None:
        raise OptionError("a memory limit is for processes of hmcos; an executor has limits of its own")
    request = Request(
        target=chosen_target(target),
        scheduler=scheduler,
        bind=dict(bind or {}),
        limits=chosen_limits(time_limit, state_limit, budget, seed),
        alignment=alignment,
        external_io=external_io,
        arena=chosen_arena(allocator, "peak", budget),
    )
    question = question_of(request, memory_limit)
    rows, standing = _output(output, question, resume=resume, overwrite=overwrite)
    if rows is not None:
        check_file(rows.path, target_file(target), "the target")
        # Those of a list now, before any of them is evaluated; those of an iterator when it yields them.
        for file in files_of(candidates) if isinstance(candidates, Collection) and rows.path.exists() else ():
            rows.check_apart(file)

    def workers() -> Workers:
        if executor is not None:
            return Given(question, executor, jobs)
        if jobs == 1 and memory_limit is None:
            return Here(question, interrupted)
        return Processes(question, jobs or cores(), memory_limit)

    return Evaluation(rows_of(candidates, Setting(question, workers, rows, standing, interrupted)))


def _output(
    output: str | PathLike[str] | None, question: Question, *, resume: bool, overwrite: bool
) -> tuple[RowsFile | None, Standing | None]:
    """Return the file of rows, if one is wanted, and the rows in it that count.

    Raises:
        OptionError: the options contradict each other, or the file has an unknown suffix.
        OutputError: there is a file already, or it cannot be resumed.
    """
    if resume and (output is None or overwrite):
        raise OptionError("resuming needs an output to go on with, which is not overwritten")
    if output is None:
        return None, None
    rows = RowsFile(Path(output))
    if resume:
        return rows, rows.standing(question.digest)
    if not overwrite:
        rows.check_new()
    return rows, None
