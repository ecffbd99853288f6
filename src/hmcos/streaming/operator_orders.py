"""Orders of whole operators to begin with: which of them comes first still matters when rows overlap."""

from __future__ import annotations

from collections.abc import Iterator

from hmcos.limits import Limits, Watch
from hmcos.memory.problem import Problem
from hmcos.schedulers.optimal import optimal
from hmcos.schedulers.simple.rpo import reverse_post_order
from hmcos.streaming.row_problem import RowProblem
from hmcos.streaming.settled import settled


def operator_problem(rows: RowProblem) -> Problem:
    """Return the operators of a row network with whole tensors: a buffer per operator that makes rows."""
    network, problem = rows.network, rows.problem
    maker = [-1] * problem.operators
    for index, steps in enumerate(rows.steps_of):
        for step in steps:
            maker[step] = index
    group: dict[tuple[int, int], int] = {}
    sizes: list[int] = []
    group_of = [-1] * len(problem.sizes)
    for row, b in rows.buffer_of.items():
        made = problem.producer[b]
        key = (maker[made] if made >= 0 else -1, row.tensor)
        g = group.setdefault(key, len(sizes))
        if g == len(sizes):
            sizes.append(0)
        sizes[g] += problem.sizes[b]
        group_of[b] = g
    reads = [_groups(rows, steps, group_of, problem.reads) for steps in rows.steps_of]
    makes = [_groups(rows, steps, group_of, problem.makes) for steps in rows.steps_of]
    over = [_groups(rows, steps, group_of, problem.may_overwrite) for steps in rows.steps_of]
    pairs = zip(over, makes, strict=True)
    return Problem(
        names=tuple(operator.title for operator in network.operators),
        sizes=tuple(sizes),
        inputs=tuple(dict.fromkeys(group_of[b] for b in problem.inputs)),
        kept=tuple(dict.fromkeys(group_of[b] for b in problem.kept)),
        reads=tuple(reads),
        makes=tuple(makes),
        may_overwrite=tuple(each if len(made) == 1 else () for each, made in pairs),
        scratch=(0,) * len(reads),
    )


def _groups(
    rows: RowProblem, steps: range, group_of: list[int], buffers: tuple[tuple[int, ...], ...]
) -> tuple[int, ...]:
    return tuple(dict.fromkeys(group_of[b] for step in steps for b in buffers[step] if group_of[b] >= 0))


def operator_orders(rows: RowProblem, limits: Limits, watch: Watch) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield orders of the operators of a row network with what they are called, the most promising first."""
    problem = operator_problem(rows)
    seen: set[tuple[int, ...]] = set()
    for name, order in _named(problem, limits, watch):
        for title, each in ((f"{name}, settled", settled(problem, order)), (name, order)):
            if each not in seen:
                seen.add(each)
                yield title, each


def _named(problem: Problem, limits: Limits, watch: Watch) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield (
        "best order of whole operators",
        optimal(problem, watch.left(limits), watch.restarted().silenced()).order,
    )
    yield "file order", tuple(range(problem.operators))
    yield "reverse post-order", tuple(reverse_post_order(problem))
