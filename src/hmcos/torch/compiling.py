"""The backend of torch.compile: forward and backward graphs, each in its least-memory order."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import torch
from torch.fx import GraphModule, Node

from hmcos.errors import OptionError
from hmcos.frontends.torch.boxed import boxed
from hmcos.frontends.torch.observing import has_storage
from hmcos.frontends.torch.private import storage_address
from hmcos.frontends.torch.private_training import aot_compiled, forward_returns
from hmcos.log import Log
from hmcos.torch.ordering import ordered
from hmcos.torch.searching import Searching
from hmcos.words import human

_LOG = Log("hmcos.torch")
_OPTIONS = ("target", "time_limit", "cache")
MOST_SIZES = 32
"""Sizes for which one graph of symbolic sizes is ordered; further ones run in the given order."""
Boxed = Callable[[list[Any]], Sequence[Any]]


def backend(
    module: GraphModule,
    inputs: Sequence[Any],
    *,
    options: Mapping[str, Any] | None = None,
    mode: str | None = None,
) -> Callable[..., Any]:
    """Return a graph of torch.compile in its least-memory order: `torch.compile(model, backend="hmcos")`.

    Options: `target` (the target whose rules of memory count; the default is that of the device),
    `time_limit` (seconds of each search, 5 by default; None for no limit), `cache` (whether orders are kept
    on disk).

    A graph that cannot be ordered runs in the given order, with a warning.

    Raises:
        OptionError: there is no such option, or it has a wrong value.
    """
    if mode is not None:
        raise OptionError(f"the backend hmcos has no mode {mode!r}: its options are {', '.join(_OPTIONS)}")
    compiling = _Compiling(_searching(options or {}))
    return aot_compiled(
        module,
        inputs,
        forward=compiling.forward,
        backward=compiling.backward,
        inference=compiling.inference,
    )


def _searching(options: Mapping[str, Any]) -> Searching:
    for name in options:
        if name not in _OPTIONS:
            raise OptionError(
                f"the backend hmcos has no option {name!r}: its options are {', '.join(_OPTIONS)}"
            )
    return Searching(**options)


class _Compiling:
    """Orders the graphs that torch.compile makes of one function."""

    def __init__(self, searching: Searching) -> None:
        self._searching = searching
        self._forward = _Forward()

    def inference(self, module: GraphModule, inputs: Sequence[Any]) -> Boxed:
        """Return a graph that is never differentiated, in its order. The caller holds its inputs."""
        return _runnable(_Source("inference", module, inputs, frozenset(_names(module))), self._searching)

    def forward(self, module: GraphModule, inputs: Sequence[Any]) -> Boxed:
        """Return a forward graph in its order. The caller holds its inputs."""
        try:
            self._forward = _forward(module)
        except Exception as error:  # then backward knows less of what is held
            _warn("backward", error)
        return _runnable(_Source("forward", module, inputs, frozenset(_names(module))), self._searching)

    def backward(self, module: GraphModule, inputs: Sequence[Any]) -> Boxed:
        """Return a backward graph in its order.

        The user holds what shares memory with the inputs of forward or with its outputs; autograd holds the
        gradients that backward comes from (`tangents`). All other saved tensors die after their last reader.
        """
        names = _names(module)
        saved = self._forward.values
        # Those of the forward graph know which saved tensors share memory; those given here do not.
        known = [saved.get(name, value) for name, value in zip(names, inputs, strict=True)]
        held = frozenset(
            name
            for name, value in zip(names, known, strict=True)
            if name.startswith("tangents") or _address(value) in self._forward.held
        )
        return _runnable(_Source("backward", module, known, held), self._searching)


@dataclass(frozen=True)
class _Forward:
    """What backward must know of its forward graph."""

    values: Mapping[str, torch.Tensor] = field(default_factory=dict[str, torch.Tensor])
    """By name of the node: its result as a fake tensor, for results that are dense tensors."""
    held: frozenset[int | None] = frozenset()
    """The storages of its inputs, and of the outputs that the user gets."""


def _forward(module: GraphModule) -> _Forward:
    nodes = list(module.graph.nodes)
    values = {node.name: value for node in nodes if _address(value := node.meta.get("val")) is not None}
    returned = cast("Sequence[object]", nodes[-1].args[0])[: forward_returns()]
    lasting = [*_names(module), *(node.name for node in returned if isinstance(node, Node))]
    return _Forward(values, frozenset(_address(values[name]) for name in lasting if name in values))


def _address(value: object) -> int | None:
    """Return what identifies the storage of a dense tensor; None for everything else."""
    return storage_address(value) if isinstance(value, torch.Tensor) and has_storage(value) else None


@dataclass(frozen=True)
class _Source:
    """A graph as torch.compile gives it."""

    title: str
    module: GraphModule
    inputs: Sequence[Any]
    held: frozenset[str]
    """The inputs that somebody holds until the graph has run, whatever its order: they are not counted."""


def _names(module: GraphModule) -> list[str]:
    """Return the names of the inputs of a graph."""
    return [node.name for node in module.graph.nodes if node.op == "placeholder"]


def _runnable(source: _Source, searching: Searching) -> Boxed:
    """Return a function that runs a graph in its order."""
    by_size = any(isinstance(value, torch.SymInt) for value in source.inputs) or any(
        isinstance(size, torch.SymInt)
        for value in source.inputs
        if isinstance(value, torch.Tensor)
        for size in value.shape
    )
    if by_size:
        return _BySize(source, searching).boxed()
    return _boxed(_ordered(source, source.inputs, searching))


def _boxed(module: GraphModule) -> Boxed:
    return _taking_a_list(boxed(module).forward)


def _taking_a_list(run: Boxed) -> Boxed:
    """Return a function that tells PyTorch that it takes one list of arguments, and empties it."""

    def call(arguments: list[Any]) -> Sequence[Any]:
        return run(arguments)

    call._boxed_call = True  # pyright: ignore[reportFunctionMemberAccess]
    return call


def _ordered(source: _Source, inputs: Sequence[Any], searching: Searching) -> GraphModule:
    """Return a graph in its order; in the given one, with a warning, if it cannot be ordered."""
    try:
        found = ordered(
            source.module,
            inputs,
            parameters=source.held,
            held=source.held,
            target=searching.target_for(inputs),
            time_limit=searching.time_limit,
            kept=searching.folder,
        )
    except Exception as error:
        _warn(source.title, error)
        return source.module
    plan = found.plan
    _LOG.info(
        "%s graph of %d operators: peak %s -> %s besides inputs, %s",
        source.title,
        len(plan.operators),
        human(plan.given_peak),
        human(plan.peak),
        plan.status,
    )
    return found.module if plan.peak < plan.given_peak else source.module


def _warn(title: str, error: Exception) -> None:
    warnings.warn(f"hmcos: the {title} graph runs in the given order: {error}", stacklevel=3)


@dataclass
class _BySize:
    """A graph of symbolic sizes: it gets an order for each combination of sizes that it is called with."""

    source: _Source
    searching: Searching
    calls: dict[tuple[Any, ...], Boxed] = field(default_factory=dict[tuple[Any, ...], Boxed])

    def boxed(self) -> Boxed:
        """Return a function that runs the graph in the order for the sizes of its arguments."""
        return _taking_a_list(lambda arguments: self.call_for(arguments)(arguments))

    def call_for(self, arguments: Sequence[Any]) -> Boxed:
        """Return the function for the sizes of these arguments."""
        sizes = tuple(tuple(v.shape) if isinstance(v, torch.Tensor) else v for v in arguments)
        if sizes in self.calls:
            return self.calls[sizes]
        if len(self.calls) == MOST_SIZES:
            return self.in_given_order
        self.calls[sizes] = _boxed(_ordered(self.source, arguments, self.searching))
        return self.calls[sizes]

    @cached_property
    def in_given_order(self) -> Boxed:
        """The function for further sizes."""
        _LOG.info("%s graph: in the given order from now on, after %d sizes", self.source.title, MOST_SIZES)
        return _boxed(self.source.module)
