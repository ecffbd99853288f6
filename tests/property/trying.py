"""Trying any number of numbered cases, from the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def try_cases(faults_of: Callable[[int], Sequence[str]], count: int, first: int = 0) -> int:
    """Try so many cases and print what is wrong with them; return the number of those that are wrong."""
    wrong = 0
    for number in range(first, first + count):
        found = faults_of(number)
        wrong += bool(found)
        for fault in found:
            print(f"case {number}: {fault}", flush=True)
    print(f"{count} cases from {first} on: {wrong} wrong")
    return wrong
