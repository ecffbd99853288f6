"""Runs OR-Tools CP-SAT in a thread of its own, so that limits and Ctrl-C are looked at while it works."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

EXACT = 2**50
"""The solver is not asked for the minimum of a sum that may reach this: it compares bounds as floating-point
numbers, and of larger sums it has answered more than the minimum."""
LOOK_EVERY = 0.05
"""Seconds between two looks at the solver while it works."""


def turns(solver: cp_model.CpSolver, model: cp_model.CpModel) -> Generator[None, None, object]:
    """Return the status of the solver; yields every `LOOK_EVERY` seconds, and stops it when it is closed.

    While the main thread is inside the solver, Python handles no signal, Ctrl-C included.
    """
    solver.parameters.catch_sigint_signal = False  # Ctrl-C is handled in Python
    # A plain lock: `concurrent.futures.wait` breaks where several Ctrl-C come at once.
    working = Lock()
    working.acquire()
    with ThreadPoolExecutor(1) as thread:
        work = thread.submit(solver.solve, model)
        work.add_done_callback(lambda _: working.release())
        try:
            while not work.done():
                working.acquire(timeout=LOOK_EVERY)
                yield
        finally:
            # Again and again, since a solver that is only about to begin does not notice.
            while not work.done():
                solver.stop_search()
                working.acquire(timeout=LOOK_EVERY)
        return work.result()


def until(stop: Callable[[], bool], solver: cp_model.CpSolver, model: cp_model.CpModel) -> object:
    """Return the status of the solver, which is stopped once `stop` returns True."""
    working = turns(solver, model)
    try:
        while True:
            next(working)
            if stop():
                solver.stop_search()
    except StopIteration as end:
        return end.value
    finally:
        working.close()
