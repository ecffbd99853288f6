"""By how many bytes memory grows at most while code runs that Inductor has written."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from threading import Lock, get_ident
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from hmcos.runtimes.torch.tally import Tally

_ALLOCATING = "empty_strided_"
"""Functions of these names, followed by a device, give Inductor's code its buffers."""
_MEASURING = Lock()


def growth_on_cuda(
    call: Callable[[list[Any]], Any], inputs: list[Any], devices: Collection[int]
) -> tuple[Any, int]:
    """Return the results of a call, and by how many bytes the allocators of CUDA devices grew at most.

    The peak statistics of the devices start anew.
    """
    for device in devices:
        torch.cuda.reset_peak_memory_stats(device)
    before = [torch.cuda.memory_allocated(device) for device in devices]
    results = call(inputs)
    grown = [
        torch.cuda.max_memory_allocated(device) - alive for device, alive in zip(devices, before, strict=True)
    ]
    return results, sum(grown)


def growth_of_storages(
    call: Callable[[list[Any]], Any], inputs: list[Any], names: dict[str, Any]
) -> tuple[Any, int | None]:
    """Return the results of a call, and by how many bytes its live storages grew at most; None if unknown.

    `names` are the global names of the code: what its functions for new buffers return is counted, and what
    operators of PyTorch return. Inputs that nothing else holds can die during the call. Workspace within
    kernels is not seen.
    """
    if not _MEASURING.acquire(blocking=False):
        return call(inputs), None
    try:
        seen = _Seen()
        seen.start(inputs)
        with _counted(names, seen), _Operators(seen):
            results = call(inputs)
        return results, seen.growth
    finally:
        _MEASURING.release()


class _Seen:
    """The storages that were seen so far."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._before = self._most = 0
        self._known = True

    def start(self, inputs: list[Any]) -> None:
        self.show(inputs)
        self._before = self._most = self._tally.bytes

    def show(self, values: Any) -> None:
        """Count new values; never fails, since the code that made them must go on."""
        self._tally.settle()
        try:
            self._tally.show_all(values)
        except Exception:
            self._known = False
        self._most = max(self._most, self._tally.bytes)

    @property
    def growth(self) -> int | None:
        return self._most - self._before if self._known else None


@contextmanager
def _counted(names: dict[str, Any], seen: _Seen) -> Generator[None]:
    """Let the functions for new buffers among some global names show what they return to this thread."""
    thread = get_ident()
    originals = {name: value for name, value in names.items() if name.startswith(_ALLOCATING)}

    def counting(original: Callable[..., Any]) -> Callable[..., Any]:
        def allocate(*given: Any, **named: Any) -> Any:
            made = original(*given, **named)
            if get_ident() == thread:
                seen.show(made)
            return made

        return allocate

    names.update({name: counting(original) for name, original in originals.items()})
    try:
        yield
    finally:
        names.update(originals)


class _Operators(TorchDispatchMode):
    """A mode that shows the results of operators, and changes nothing."""

    supports_higher_order_operators = True

    def __init__(self, seen: _Seen) -> None:
        super().__init__()
        self._seen = seen

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        results = func(*args, **(kwargs or {}))
        self._seen.show(results)
        return results
