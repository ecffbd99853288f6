"""Long lists of numbers of a row plan as few runs, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hmcos.errors import PlanError
from hmcos.plan.file.fields import MOST, Fields

MOST_NUMBERS = 1 << 22
"""Numbers that a plan may stand for in all; a file of some bytes could else fill the memory."""

Lines = list[list[int]]


def line_runs(numbers: Sequence[int]) -> Lines:
    """Return numbers as runs: the first, how many, and how far they are apart."""
    found: Lines = []
    for number in numbers:
        last = found[-1] if found else None
        if last is not None and last[1] == 1:
            last[1:] = [2, number - last[0]]
        elif last is not None and number == last[0] + last[1] * last[2]:
            last[1] += 1
        else:
            found.append([number, 1, 0])
    return found


def step_runs(steps: Sequence[tuple[int, int]]) -> Lines:
    """Return steps as runs: the operator, its first step, and how many follow each other."""
    found: Lines = []
    for operator, step in steps:
        if found and found[-1][0] == operator and found[-1][1] + found[-1][2] == step:
            found[-1][2] += 1
        else:
            found.append([operator, step, 1])
    return found


def need_runs(needs: Sequence[Sequence[int]]) -> Lines:
    """Return the rows read per step as runs of steps.

    A run tells how many steps it stands for; for the first of them the first row, how many rows, and how far
    they are apart; and by how much all rows move from step to step. Where the rows of a step are not evenly
    apart, more runs follow, of 0 steps: they are of the same step.
    """
    found: Lines = []
    for rows in needs:
        parts = line_runs(rows) or [[0, 0, 0]]
        for k, (first, count, apart) in enumerate(parts):
            if len(parts) == 1 and _goes_on(found, first, count, apart):
                continue
            found.append([0 if k else 1, first, count, apart, 0])
    return found


def _goes_on(found: Lines, first: int, count: int, apart: int) -> bool:
    """Lengthen the last run by a step that goes on as before; return whether it does."""
    if not found:
        return False
    last = found[-1]
    if last[0] == 0 or [count, apart] != last[2:4]:
        return False
    moved = first - (last[1] + (last[0] - 1) * last[4])
    if last[0] > 1 and moved != last[4]:
        return False
    last[0], last[4] = last[0] + 1, moved
    return True


@dataclass
class RunReader:
    """Reads runs, as long as they stand for fewer numbers than a plan may have."""

    left: int = MOST_NUMBERS

    def lines(self, fields: Fields, key: str) -> tuple[int, ...]:
        """Return the numbers of `line_runs`."""
        numbers: list[int] = []
        for first, count, apart in fields.rows(key, 3):
            self._take(fields, key, count)
            numbers += [first + k * apart for k in range(count)]
        return self._checked(fields, key, numbers)

    def steps(self, fields: Fields, key: str) -> tuple[tuple[int, int], ...]:
        """Return the steps of `step_runs`."""
        found: list[tuple[int, int]] = []
        for operator, first, count in fields.rows(key, 3):
            self._take(fields, key, count)
            found += [(operator, step) for step in range(first, first + count)]
        return tuple(found)

    def needs(self, fields: Fields, key: str) -> tuple[tuple[int, ...], ...]:
        """Return the rows per step of `need_runs`."""
        found: list[tuple[int, ...]] = []
        for steps, first, count, apart, moved in fields.rows(key, 5):
            self._take(fields, key, max(1, steps))
            self._take(fields, key, max(1, steps) * count)
            if steps == 0 and not found:
                raise PlanError(f"{fields.where(key)}: begins with a run of 0 steps")
            if steps == 0:
                found[-1] += tuple(first + k * apart for k in range(count))
            for step in range(steps):
                begin = first + step * moved
                found.append(tuple(begin + k * apart for k in range(count)))
        return tuple(found)

    def _take(self, fields: Fields, key: str, count: int) -> None:
        if not 0 <= count <= self.left:
            raise PlanError(
                f"{fields.where(key)}: stands for over {MOST_NUMBERS:,} numbers in all, or below 0"
            )
        self.left -= count

    def _checked(self, fields: Fields, key: str, numbers: list[int]) -> tuple[int, ...]:
        if any(abs(number) > MOST for number in numbers):
            raise PlanError(f"{fields.where(key)}: holds numbers above 2**100")
        return tuple(numbers)
