"""What was checked of a result, and whether it held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hmcos.errors import VerifyError


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table of what was checked."""

    name: str
    held: bool
    words: str
    """With its figures: what was found; or the first step and tensor that are wrong."""


@dataclass(frozen=True, slots=True)
class Verification:
    """All that was checked of one result."""

    source: str
    result: str
    """The plan or model that was checked."""
    checks: tuple[Check, ...]
    """In the order in which they were made; a failed one may leave out later ones that rest on it."""

    @property
    def holds(self) -> bool:
        """Whether every check held."""
        return all(check.held for check in self.checks)


def attempt(name: str, check: Callable[[], str]) -> Check:
    """Return how a check went: `check` returns its figures, or raises VerifyError with what is wrong."""
    try:
        return Check(name, True, check())
    except VerifyError as error:
        return Check(name, False, str(error))
