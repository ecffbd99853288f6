"""The order of Inductor's kernels that needs the least memory, tried beside its own. Experimental."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Any

from hmcos.errors import ToolError
from hmcos.frontends.torch.private_inductor import Compile, caches_off, check_inductor, replace_compile_fx
from hmcos.tasks.request import chosen_limits
from hmcos.tasks.schedule.remembered import orders_folder
from hmcos.torch.kernel_orders import InductorGraph, Searching, Trial, compiled_twice


class InductorOrders:
    """The graphs that Inductor compiled within `hmcos.torch.inductor()`."""

    def __init__(self, searching: Searching) -> None:
        self._searching = searching
        self._trials: list[Trial] = []
        self._compiled = 0
        """Graphs that Inductor compiled, those without a trial included."""
        self._open = True

    @property
    def graphs(self) -> tuple[InductorGraph, ...]:
        """What was found so far, one per graph, in the order of their compilation."""
        return tuple(trial.record for trial in self._trials)

    def __str__(self) -> str:
        return "\n".join(map(str, self.graphs))

    def compiler(self, inner: Compile) -> Compile:
        """Return a compiler of graphs that also tries our order of their kernels, while this is open."""

        def compile_graph(module: Any, inputs: Any, **named: Any) -> Any:
            if not self._open:  # a backward graph may be compiled when it is first called
                return inner(module, inputs, **named)
            with caches_off():
                compiled, trial = compiled_twice(inner, (module, inputs, named), self._searching)
            self._compiled += 1
            if trial is not None:
                self._trials.append(trial)
            return compiled

        return compile_graph

    def close(self) -> list[str]:
        """End all trials and return what their user should know."""
        self._open = False
        undecided = [trial for trial in self._trials if not trial.finish()]
        if not self._compiled:
            return [_NOTHING]
        return [str(trial.record) for trial in undecided]


_NOTHING = (
    "Inductor compiled no graph within hmcos.torch.inductor(): the first call of the compiled model belongs "
    "there; torch.compiler.reset() forgets what was compiled before"
)
_ACTIVE: ContextVar[InductorOrders | None] = ContextVar("hmcos_inductor", default=None)
"""The innermost one of this thread, or of this task."""


@contextmanager
def inductor(*, time_limit: float | None = 5.0, cache: bool = True) -> Generator[InductorOrders]:
    """Let Inductor try the order of its kernels that needs the least memory beside its own. Experimental.

        with hmcos.torch.inductor() as orders:
            compiled = torch.compile(model)
            for batch in batches[:4]:
                step(compiled, batch)
        print(orders)

    Each graph that Inductor compiles in this block, in this thread, is compiled in both orders. Its first two
    calls run in Inductor's and the next two in ours; the second of each is measured, and the graph keeps the
    order in which memory grew less, also behind the block. On CUDA the allocator is measured, and its peak
    statistics start anew; elsewhere the storages that are alive.

    Nothing fails because of this: where there is no other order, or none that can be measured, Inductor's own
    stays, and `graphs` says why. Inductor's caches of graphs are off within the block.

    Args:
        time_limit: seconds of each search; None for no limit.
        cache: whether orders are kept on disk, so that the next start needs no search.

    Raises:
        OptionError: the time limit is wrong.
    """
    orders = InductorOrders(Searching(chosen_limits(time_limit), orders_folder() if cache else None))
    try:
        check_inductor()
    except ToolError as error:
        warnings.warn(f"{error}; graphs run in Inductor's order", stacklevel=3)
        yield orders
        return
    _INSTALLED.add()
    token = _ACTIVE.set(orders)
    try:
        with caches_off():
            yield orders
    finally:
        _ACTIVE.reset(token)
        _INSTALLED.remove()
        remarks = orders.close()
    for remark in remarks:
        warnings.warn(f"hmcos: {remark}", stacklevel=3)


def _compiler(inner: Compile) -> Compile | None:
    orders = _ACTIVE.get()
    return None if orders is None else orders.compiler(inner)


class _Installed:
    """How many blocks are open in all threads: the first changes Inductor, and the last undoes it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open = 0
        self._undo: Any = None

    def add(self) -> None:
        with self._lock:
            if not self._open:
                self._undo = replace_compile_fx(_compiler)
            self._open += 1

    def remove(self) -> None:
        with self._lock:
            self._open -= 1
            if not self._open:
                self._undo()


_INSTALLED = _Installed()
