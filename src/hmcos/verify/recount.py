"""What an order costs, counted once more: the value that every independent recount returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hmcos.errors import VerifyError


@dataclass(frozen=True, slots=True)
class Recount:
    """Bytes in use along an order."""

    start: int
    """Before the first step."""
    running: tuple[int, ...]
    """Per step, while its operator runs."""
    operators: tuple[str, ...]
    """Per step: how an error calls its operator."""

    @property
    def peak(self) -> int:
        """The largest number of bytes in use at any moment."""
        return max((self.start, *self.running))

    def check(self, peak: int, running: Sequence[int]) -> None:
        """Do nothing if this is what a plan claims.

        Raises:
            VerifyError: it is not; names the first step that differs and its operator.
        """
        if len(running) != len(self.running):
            raise VerifyError(
                f"the plan gives memory at {len(running)} steps, but there are {len(self.running)}"
            )
        for step, (claimed, counted) in enumerate(zip(running, self.running, strict=True)):
            if claimed != counted:
                where = f"step {step}, {self.operators[step]}"
                raise VerifyError(f"{where}: the plan claims {claimed} bytes in use, but they are {counted}")
        if peak != self.peak:
            raise VerifyError(f"the plan claims a peak of {peak} bytes, but it is {self.peak}")


def check_permutation(order: Sequence[int], operators: int) -> None:
    """Do nothing if the order lists each of the operators 0, 1, ... once.

    Raises:
        VerifyError: it does not; names the first step or operator that is wrong.
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
