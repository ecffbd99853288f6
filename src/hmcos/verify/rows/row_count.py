"""Recount a row plan: whose bytes are in the arena, step by step, and how many are needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from hmcos.errors import VerifyError
from hmcos.plan.row_parts import Role
from hmcos.plan.row_plan import PlannedOperator, RowPlan
from hmcos.verify.counted.claims import least_peak
from hmcos.verify.counted.instance_count import Instance
from hmcos.verify.counted.recount import recount
from hmcos.verify.counted.steps import run_of_instance
from hmcos.verify.rows.row_reads import RowReads
from hmcos.verify.rows.row_sources import Row

_NOBODY = -1


@dataclass(frozen=True, slots=True)
class RowCount:
    """What a recount found."""

    reads: int
    """Rows that were read, each there and whole."""
    peak: int
    """Bytes: the most that is live at any step."""
    least: int
    """Bytes: what the inputs, the outputs, or the rows of one step need at least."""


def recounted(reads: RowReads) -> RowCount:
    """Return the recount of a plan whose reads are those that the network needs.

    Every byte of the arena has an owner: the row, or the sums, that were written there last. A step may read
    only rows that own all of their bytes.

    Raises:
        VerifyError: a row is read that is not there any more, or not yet; names the step and the row.
    """
    counting = _Counting(reads)
    counting.enter()
    for at, (index, step) in enumerate(reads.plan.steps):
        counting.run(at, index, step)
    counting.leave()
    return counting.found()


@dataclass
class _Counting:
    reads: RowReads
    owners: Any = field(init=False)
    """Per byte of the arena: the number of the value there."""
    value_of: dict[Row, int] = field(default_factory=dict[Row, int])
    sums_of: dict[int, int] = field(default_factory=dict[int, int])
    """Operator to the number of its sums, as they are now."""
    sizes: list[int] = field(default_factory=list[int])
    inputs: list[int] = field(default_factory=list[int])
    kept: list[int] = field(default_factory=list[int])
    operators: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    numbers: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Per step run: operator and step."""
    rows_read: int = 0
    """Rows read so far."""
    steps_of: dict[int, int] = field(default_factory=dict[int, int])
    """Operator to the next step that it may run, for those that go in ascending order."""
    fed: int = _NOBODY
    """What keeps the rows that the caller hands over in order."""

    def __post_init__(self) -> None:
        plan = self.plan
        most = sum(each.rows * each.size for each in plan.tensors)
        most += sum(op.accumulator.size for op in plan.operators if op.accumulator is not None)
        if plan.arena > 2 * most + 4096:
            raise VerifyError(f"arena: is {plan.arena:,} bytes, more than twice all rows together")
        self.owners = np.full(plan.arena, _NOBODY, np.int64)

    @property
    def plan(self) -> RowPlan:
        return self.reads.plan

    def enter(self) -> None:
        """Let the inputs be in the arena."""
        for t in () if self.plan.by_rows else self.plan.inputs:
            for row in range(self.plan.tensor(t).rows):
                self._write(0, "the input", (t, row))
                self.inputs.append(self.value_of[t, row])

    def run(self, at: int, index: int, step: int) -> None:
        """Run a step of an operator."""
        operator = self.plan.operators[index]
        where = f"step {at}, {operator.title} row {step}"
        rows = self._read(where, operator, step)
        self.numbers.append((index, step))
        reads = [self.value_of[row] for row in rows]
        if operator.role in (Role.FEED, Role.SUM):
            self._check_ascending(where, index, step)
        over: list[int] = []
        if operator.role is Role.SUM and step:
            over = [self._own_sums(where, index)]
            reads += over
        elif operator.role is Role.ROW and len(operator.makes) == 1:
            over = self._overwritten(operator, step)
        if operator.role is Role.SUM and step < operator.steps - 1:
            made = [self._new_sums(where, index)]
        else:
            made = self._make(where, operator, step, rows, over)
        if operator.role is Role.FEED:
            made.append(self._value(0))
            reads += [] if self.fed == _NOBODY else [self.fed]
            self.fed = made[-1]
        self.operators.append(
            {"name": where, "reads": list(dict.fromkeys(reads)), "makes": made, "may_overwrite": over}
        )

    def leave(self) -> None:
        """Check that the outputs are there, side by side."""
        for t in self.plan.outputs:
            tensor = self.plan.tensor(t)
            self._check_side_by_side(t)
            for row in range(tensor.rows):
                self._check_there("at the end", (t, row))
                self.kept += [self.value_of[one] for one in self.reads.sources.behind([(t, row)])]
        for t in () if self.plan.by_rows else self.plan.inputs:
            self._check_side_by_side(t)

    def _check_side_by_side(self, t: int) -> None:
        """Check that the rows of an end of the network are one block."""
        tensor = self.plan.tensor(t)
        if tensor.offsets != tuple(tensor.offsets[0] + row * tensor.size for row in range(tensor.rows)):
            raise VerifyError(f"tensor {t}: its rows are not side by side, though callers take it whole")

    def found(self) -> RowCount:
        """Return the recount of the memory, by the verifier's count of problems."""
        self._read_neglected_rows()
        instance: Instance = {
            "buffers": self.sizes,
            "inputs": self.inputs,
            "kept": sorted(set(self.kept)),
            "operators": self.operators,
        }
        run = run_of_instance(instance, range(len(self.operators)))
        return RowCount(self.rows_read, recount(run).peak, least_peak(run))

    def _read(self, where: str, operator: PlannedOperator, step: int) -> list[Row]:
        """Return the computed rows that a step reads, each checked to be there."""
        for read in operator.inputs:
            for row in read.needs[step]:
                self._check_there(where, (read.tensor, row))
        return sorted(self.reads.read(operator, step))

    def _check_there(self, where: str, row: Row) -> None:
        t, r = row
        tensor = self.plan.tensor(t)
        behind = self.reads.sources.behind([row])
        if len(behind) != 1:
            raise VerifyError(f"{where}: row {r} of tensor {t} is not one row of a computed tensor")
        value = self.value_of.get(next(iter(behind)), _NOBODY)
        if value == _NOBODY:
            raise VerifyError(f"{where}: reads row {r} of tensor {t} before it is made")
        begin = tensor.offsets[r]
        if begin < 0 or not (self.owners[begin : begin + tensor.size] == value).all():
            raise VerifyError(f"{where}: row {r} of tensor {t} is overwritten before it is read")
        self.rows_read += 1

    def _check_ascending(self, where: str, index: int, step: int) -> None:
        if step != self.steps_of.get(index, 0):
            raise VerifyError(f"{where}: does not come after row {step - 1}")
        self.steps_of[index] = step + 1

    def _overwritten(self, operator: PlannedOperator, step: int) -> list[int]:
        """Return the values whose place the made row may take: each element depends on its own place only."""
        if self._is_contiguous(operator.makes[0]):
            return []
        allowed = self.reads.sources.overwrites(operator.number)
        found: dict[int, None] = {}
        for read in operator.inputs:
            if read.position in allowed:
                rows = self.reads.sources.behind((read.tensor, row) for row in read.needs[step])
                found.update((self.value_of[row], None) for row in sorted(rows) if not self._is_askew(row))
        return list(found)

    def _is_askew(self, row: Row) -> bool:
        """Return whether a row of the input's block lies where no row may that is rounded up."""
        is_pinned = row[0] in self.plan.inputs and not self.plan.by_rows
        return is_pinned and self.plan.tensor(row[0]).size % self.plan.rounded_to != 0

    def _is_contiguous(self, t: int) -> bool:
        """Return whether a tensor has a fixed place, as an output of several rows or a part of one."""
        return t in self._contiguous

    @cached_property
    def _contiguous(self) -> frozenset[int]:
        outputs = [t for t in self.plan.outputs if self.plan.tensor(t).rows > 1]
        rows = [(t, row) for t in outputs for row in range(self.plan.tensor(t).rows)]
        return frozenset(t for t, _ in self.reads.sources.behind(rows))

    def _make(
        self, where: str, operator: PlannedOperator, step: int, rows: list[Row], over: list[int]
    ) -> list[int]:
        """Write the rows that a step makes; none over what the step reads but for what may be overwritten."""
        made: list[Row] = []
        for t in operator.makes:
            tensor = self.plan.tensor(t)
            numbers = range(tensor.rows) if operator.role is Role.WHOLE else range(step, step + 1)
            if operator.role is Role.SUM:
                numbers = range(1)
            made += [(t, row) for row in numbers if row < tensor.rows and tensor.offsets[row] >= 0]
        read = {self.value_of[row]: row for row in rows}
        for row in made:
            begin, end = self._range(row)
            for value in set(self.owners[begin:end].tolist()):
                self._check_overwritten(where, begin, value, read, over)
        for row in made:
            self._write_over(row)
        return [self.value_of[row] for row in made]

    def _check_overwritten(
        self, where: str, begin: int, value: int, read: dict[int, Row], over: list[int]
    ) -> None:
        """Check that a row that is made may lie over a value that the same step reads."""
        sums = value in over and value not in read
        if value in read and (value not in over or self._range(read[value])[0] != begin):
            t, row = read[value]
            raise VerifyError(f"{where}: overwrites row {row} of tensor {t}, which it reads")
        if sums and int(np.argmax(self.owners == value)) != begin:
            raise VerifyError(f"{where}: overwrites its sums from the middle on")

    def _range(self, row: Row) -> tuple[int, int]:
        tensor = self.plan.tensor(row[0])
        offset = tensor.offsets[row[1]]
        return offset, offset + tensor.size

    def _write(self, at: int, where: str, row: Row) -> None:
        begin, end = self._range(row)
        if begin < 0 or (self.owners[begin:end] != _NOBODY).any():
            raise VerifyError(f"{where}: row {row[1]} of tensor {row[0]} has no place of its own")
        self._write_over(row)

    def _write_over(self, row: Row) -> None:
        begin, end = self._range(row)
        if row in self.value_of:
            raise VerifyError(f"row {row[1]} of tensor {row[0]} is made twice")
        self.value_of[row] = self._value(end - begin)
        self.owners[begin:end] = self.value_of[row]

    def _value(self, size: int) -> int:
        self.sizes.append(size)
        return len(self.sizes) - 1

    def _own_sums(self, where: str, index: int) -> int:
        """Return the sums of an operator, which must be in their place."""
        sums = self.plan.operators[index].accumulator
        value = self.sums_of.get(index, _NOBODY)
        if sums is None or value == _NOBODY:
            raise VerifyError(f"{where}: has no sums yet")
        if not (self.owners[sums.offset : sums.offset + sums.size] == value).all():
            raise VerifyError(f"{where}: its sums were overwritten")
        return value

    def _new_sums(self, where: str, index: int) -> int:
        """Write the sums of an operator; they may not lie over a row that the step reads."""
        sums = self.plan.operators[index].accumulator
        if sums is None or sums.offset < 0:
            raise VerifyError(f"{where}: its sums have no place")
        read = self.reads.read(self.plan.operators[index], self.numbers[-1][1])
        for row in read:
            begin, end = self._range(row)
            if begin < sums.offset + sums.size and sums.offset < end:
                raise VerifyError(
                    f"{where}: its sums overwrite row {row[1]} of tensor {row[0]}, which it reads"
                )
        self.sums_of[index] = self._value(sums.size)
        self.owners[sums.offset : sums.offset + sums.size] = self.sums_of[index]
        return self.sums_of[index]

    def _read_neglected_rows(self) -> None:
        """Let rows of a whole input that nobody reads die with the nearest row that somebody reads.

        Its last reader is the last one as operators are numbered (docs/plan-format.md).
        """
        last: dict[int, tuple[tuple[int, int], int]] = {}
        for at, op in enumerate(self.operators):
            for value in op["reads"]:
                last[value] = max(last.get(value, ((-1, -1), -1)), (self.numbers[at], at))
        kept = set(self.kept)
        for t in () if self.plan.by_rows else self.plan.inputs:
            values = [self.value_of[t, row] for row in range(self.plan.tensor(t).rows)]
            read = [k for k, value in enumerate(values) if value in last]
            for k, value in enumerate(values):
                if value not in last and value not in kept and read:
                    nearest = min(read, key=lambda other: (abs(other - k), other))
                    self.operators[last[values[nearest]][1]]["reads"].append(value)
