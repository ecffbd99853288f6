"""Recount the memory of an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hmcos.errors import VerifyError
from hmcos.plan.plan import Memory
from hmcos.verify.counted.steps import Execution, Step, moments


@dataclass(frozen=True, slots=True)
class Recount:
    """Bytes in use along an order."""

    start: int
    """Before the first step: the inputs, or the floor if that is more."""
    running: tuple[int, ...]
    """Per step, while the operator runs."""
    stable: tuple[int, ...]
    """Per step, after the operator has run."""
    operators: tuple[str, ...]
    """Per step: the operator's name in messages."""

    @property
    def peak(self) -> int:
        """The largest number of bytes in use at any moment."""
        return max((self.start, *self.running))

    def check(self, peak: int, memory: Memory) -> None:
        """Check that a plan claims these bytes.

        Raises:
            VerifyError: a claim differs; names the field, or the first step that differs and its operator.
        """
        if memory.start != self.start:
            raise VerifyError(
                f"memory.start: the plan claims {memory.start} bytes, but they are {self.start}"
            )
        for field, steps, own, when in (
            ("running", memory.running, self.running, "in use"),
            ("stable", memory.stable, self.stable, "in use after it"),
        ):
            if len(steps) != len(own):
                raise VerifyError(
                    f"memory.{field}: the plan gives memory at {len(steps)} steps, but there are {len(own)}"
                )
            for step, (claimed, counted) in enumerate(zip(steps, own, strict=True)):
                if claimed != counted:
                    where = f"step {step}, {self.operators[step]}"
                    raise VerifyError(
                        f"{where}: the plan claims {claimed} bytes {when}, but they are {counted}"
                    )
        if peak != self.peak:
            raise VerifyError(f"the plan claims a peak of {peak} bytes, but it is {self.peak}")


def recount(run: Execution, steps: Sequence[Step] | None = None) -> Recount:
    """Return the memory of a run, or of its steps in another valid order (memory model, Sharing)."""
    taken = run.steps if steps is None else steps
    in_use = _bytes(run, run.inputs)
    running: list[int] = []
    stable: list[int] = []
    for moment in moments(run, taken):
        running.append(in_use + _bytes(run, moment.new) + moment.step.scratch)
        in_use += _bytes(run, moment.left) - _bytes(run, moment.freed)
        stable.append(in_use)
    start = max(_bytes(run, run.inputs), run.floor)
    return Recount(start, tuple(running), tuple(stable), tuple(step.title for step in taken))


def _bytes(run: Execution, storages: Sequence[int]) -> int:
    return sum(run.sizes[t] for t in storages)


def check_permutation(order: Sequence[int], operators: int) -> None:
    """Check that the order lists each of the operators 0, 1, ... once.

    Raises:
        VerifyError: an operator is missing, repeated or unknown; names the first wrong step or operator.
    """
    seen: set[int] = set()
    for step, number in enumerate(order):
        if not 0 <= number < operators:
            raise VerifyError(f"step {step}: there is no operator {number}; the last is {operators - 1}")
        if number in seen:
            raise VerifyError(f"step {step}: operator {number} runs a second time")
        seen.add(number)
    if len(seen) != operators:
        missing = next(number for number in range(operators) if number not in seen)
        raise VerifyError(f"operator {missing} never runs")
