"""When the rows of a row plan take memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hmcos.plan.row_parts import Role
from hmcos.plan.row_plan import PlannedOperator, RowPlan


@dataclass(frozen=True, slots=True)
class RowLife:
    """A row, or the sums of an operator, while it is live."""

    tensor: int
    """The tensor that the row was made for; -1 for sums."""
    row: int
    """-1 for sums."""
    operator: int
    """Index of the operator that makes it; -1 for the input of the network."""
    size: int
    """Bytes."""
    offset: int
    """Bytes from the start of the arena."""
    birth: int
    """First step, an index in `RowPlan.steps`."""
    death: int
    """The step after the last."""


def made_rows(plan: RowPlan, operator: PlannedOperator, step: int) -> list[tuple[int, int]]:
    """Return the rows that a step of an operator makes: tensor and row."""
    if operator.role is Role.SUM and step < operator.steps - 1:
        return []
    found: list[tuple[int, int]] = []
    for t in operator.makes:
        tensor = plan.tensor(t)
        if operator.role is Role.WHOLE:
            rows = range(tensor.rows)
        else:
            rows = range(0, 1) if operator.role is Role.SUM else range(step, step + 1)
        found += [(t, row) for row in rows if row < tensor.rows and tensor.offsets[row] >= 0]
    return found


def row_lives(plan: RowPlan) -> tuple[RowLife, ...]:
    """Return the lives of all rows and sums of a plan, by birth.

    A row lives from the step that makes it, or from the first if it comes in whole, to its last reader; an
    output to the end. A row of a whole input that nobody reads dies with the nearest one that is read.
    """
    counting = _Counting(plan)
    counting.enter()
    for at, (index, step) in enumerate(plan.steps):
        counting.run(at, index, step)
    counting.leave()
    return tuple(counting.lives())


@dataclass(slots=True)
class _Living:
    """A life on its way."""

    tensor: int
    row: int
    operator: int
    size: int
    offset: int
    birth: int
    death: int = -1
    last: tuple[int, int] = (-1, -1)
    """The last reader, as operators are numbered: index and step."""
    last_at: int = -1
    """When that runs."""


@dataclass
class _Counting:
    plan: RowPlan
    found: list[_Living] = field(default_factory=list[_Living])
    at: dict[int, _Living] = field(default_factory=dict[int, _Living])
    """What was put at an offset last: views of a row have its offset."""
    sums: dict[int, _Living] = field(default_factory=dict[int, _Living])

    def enter(self) -> None:
        for t in () if self.plan.by_rows else self.plan.inputs:
            for row in range(self.plan.tensor(t).rows):
                self._put(t, row, -1, 0)

    def run(self, at: int, index: int, step: int) -> None:
        operator = self.plan.operators[index]
        for offset in _read(self.plan, operator, step):
            living = self.at.get(offset)
            if living is not None:
                living.death = at + 1
                if (index, step) >= living.last:
                    living.last, living.last_at = (index, step), at
        if operator.accumulator is not None:
            size, offset = operator.accumulator.size, operator.accumulator.offset
            if index not in self.sums:
                self.sums[index] = _Living(-1, -1, index, size, offset, at)
                self.found.append(self.sums[index])
            self.sums[index].death = at + 1
        for t, row in made_rows(self.plan, operator, step):
            self._put(t, row, index, at)

    def leave(self) -> None:
        for t in self.plan.outputs:
            for offset in self.plan.tensor(t).offsets:
                if offset in self.at:
                    self.at[offset].death = len(self.plan.steps)
        for t in () if self.plan.by_rows else self.plan.inputs:
            rows = [life for life in self.found if life.tensor == t and life.operator < 0]
            read = [life for life in rows if life.last_at >= 0]
            for life in rows:
                if life.death < 0 and read:
                    nearest = min(read, key=lambda one: (abs(one.row - life.row), one.row))
                    life.death = nearest.last_at + 1
                elif life.death < 0:
                    life.death = len(self.plan.steps)

    def lives(self) -> Iterator[RowLife]:
        for one in sorted(self.found, key=lambda life: (life.birth, life.tensor, life.row)):
            death = max(one.death, one.birth + 1)
            yield RowLife(one.tensor, one.row, one.operator, one.size, one.offset, one.birth, death)

    def _put(self, t: int, row: int, index: int, at: int) -> None:
        tensor = self.plan.tensor(t)
        living = _Living(t, row, index, tensor.size, tensor.offsets[row], at)
        self.at[living.offset] = living
        self.found.append(living)


def _read(plan: RowPlan, operator: PlannedOperator, step: int) -> Iterator[int]:
    """Yield the offsets of the rows that a step reads."""
    for read in operator.inputs:
        offsets = plan.tensor(read.tensor).offsets
        yield from (offsets[row] for row in read.needs[step])
