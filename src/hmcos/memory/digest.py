"""A hash of a problem's numbers: equal for problems that differ in nothing but the names of operators."""

from __future__ import annotations

from hashlib import sha256

from hmcos.memory.problem import Problem


def digest_of(problem: Problem, *settings: object) -> str:
    """Return the hash of a problem and of the settings of a search, in hexadecimal.

    The settings must be values whose `repr` says all about them.
    """
    numbers = (
        *settings,
        problem.sizes,
        problem.inputs,
        problem.kept,
        problem.reads,
        problem.makes,
        problem.may_overwrite,
        problem.scratch,
    )
    return sha256(repr(numbers).encode()).hexdigest()
