"""The most bytes that PyTorch's allocators hand out during a run, workspace of kernels included."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import fx
from torch.profiler import ProfilerActivity, profile

from hmcos.memory.target import target_called
from hmcos.runtimes.torch.running import Call, Feed, readied
from hmcos.runtimes.torch.tally import Tally


def allocated(module: fx.GraphModule, feed: Feed, seed: int = 0) -> int:
    """Return the most bytes that are allocated at once while a graph runs, its inputs included.

    On CUDA the caching allocator counts them, in blocks of 512 bytes. On the CPU the profiler adds up what
    kernels ask of PyTorch's allocator; what libraries take from the system themselves is not among it. The
    figure can differ between processor types and versions of PyTorch, which choose other kernels.
    """
    most = 0
    # The first run also fills what later ones find: kernels that were compiled, weights that were packed.
    for _ in range(2):
        call = readied(module, feed, _Deaf())
        on_cuda = _on_cuda(call)
        inputs = Tally(call.uncounted, target_called("torch-cuda").alignment if on_cuda else 1)
        inputs.show_all(call.inputs)
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(seed)
            most = inputs.bytes + most_allocated(_running(call), on_cuda=on_cuda)
    return most


def _running(call: Call) -> Callable[[], object]:
    return lambda: call.module(call.inputs)


def _on_cuda(call: Call) -> bool:
    return any(isinstance(value, torch.Tensor) and value.is_cuda for value in (*call.inputs, *call.uncounted))


def most_allocated(function: Callable[[], object], *, on_cuda: bool) -> int:
    """Return by how many bytes the memory of PyTorch's allocator grows at most while a function runs."""
    if on_cuda:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        function()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        function()
    return _highest(profiled)


def _highest(profiled: Any) -> int:
    """Return the highest sum of the changes of memory that a profile holds, in order of time."""
    events: list[Any] = [e for e in profiled.profiler.kineto_results.events() if e.name() == "[memory]"]
    now = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return most


class _Deaf:
    """A listener that takes no note."""

    def begin(self, node: str, *, has_bodies: bool) -> None:
        """Ignore a node."""

    def end(self, results: Any) -> None:
        """Ignore its results."""
