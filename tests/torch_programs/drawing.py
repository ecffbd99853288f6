"""Draw a random program, running every call on real tensors as it is drawn."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import operator
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

import torch
from torch import Tensor

from torch_programs.program import Call, Calling, Program, Ref, mapped, tensors

LARGEST = 4096
"""The most elements of a tensor."""


Makers = dict[Callable[["Drawing"], object], int]
"""Functions that append a call or a few, with their weights."""


class UnfitError(Exception):
    """There is nothing that the drawn operator could be called with."""


class Drawing:
    """A program that is being drawn."""

    def __init__(self, rng: Random, inputs: list[Tensor], constants: list[Tensor], *, guarded: bool) -> None:
        self.rng = rng
        # Inputs may share storages, and so do their copies.
        self.given = deepcopy((tuple(inputs), tuple(constants)))
        self.values: list[Any] = [*inputs, *constants]
        self.calls: list[Call] = []
        self.guarded = {_address(t) for t in self.values} if guarded else set[int]()
        """Storages that must not be written: those that a body is given."""

    def call(self, target: Any, *args: Any, **named: Any) -> Ref:
        """Append a call, and return a reference to its result.

        Raises:
            UnfitError: it cannot be run on these arguments.
        """
        actual, actual_named = mapped(self._actual, (args, named))
        try:
            value = target(*actual, **actual_named)
        except (RuntimeError, IndexError, ValueError, TypeError, NotImplementedError) as error:
            raise UnfitError(str(error)) from error
        if any(t.numel() > LARGEST for t in tensors(value)):
            raise UnfitError("too large")
        self.calls.append(Call(target, args, named))
        self.values.append(value)
        return Ref(len(self.values) - 1)

    def program(self, outputs: Any) -> Program:
        """Return what was drawn, with its outputs."""
        return Program(*self.given, tuple(self.calls), outputs)

    def _actual(self, value: Any) -> Any:
        if isinstance(value, Calling):
            return value.program.graph()
        return self.values[value.number] if isinstance(value, Ref) else value

    def part(self, source: Ref, at: int) -> Ref:
        """Append the choice of one of several results."""
        return self.call(operator.getitem, source, at)

    def value(self, ref: Ref) -> Tensor:
        """Return the tensor that a reference stands for."""
        return self.values[ref.number]

    def refs(self, wanted: Callable[[Tensor], bool] = lambda tensor: True) -> list[Ref]:
        """Return references to all tensors of a kind."""
        return [
            Ref(n) for n, value in enumerate(self.values) if isinstance(value, torch.Tensor) and wanted(value)
        ]

    def any(self, wanted: Callable[[Tensor], bool] = lambda tensor: True) -> Ref:
        """Return a random tensor of a kind.

        Raises:
            UnfitError: there is none.
        """
        found = self.refs(wanted)
        if not found:
            raise UnfitError("no such tensor")
        return self.rng.choice(found)

    def floats(self, dims: int = 0) -> Ref:
        """Return a random tensor of floats with at least so many dimensions and one element."""
        return self.any(lambda t: t.dtype is torch.float32 and t.dim() >= dims and t.numel() > 0)

    def writable(self) -> Ref:
        """Return a random tensor of floats whose elements lie apart and may be written."""
        return self.any(self.may_write)

    def may_write(self, tensor: Tensor) -> bool:
        """Return whether a tensor holds floats whose elements lie apart and may be written."""
        apart = 0 not in tensor.stride() and _address(tensor) not in self.guarded
        return tensor.dtype is torch.float32 and apart

    def like(self, ref: Ref) -> Ref:
        """Return a random tensor of the same shape and type; often the same one."""
        tensor = self.value(ref)
        return self.any(lambda t: t.shape == tensor.shape and t.dtype is tensor.dtype)

    def dim(self, ref: Ref) -> int:
        """Return a random dimension of a tensor, counted from either end."""
        dims = self.value(ref).dim()
        return self.rng.randrange(-dims, dims)


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def extend(drawing: Drawing, makers: Makers, calls: int) -> None:
    """Draw calls, until a program has at least so many, from makers with their weights."""
    kinds, weights = list(makers), list(makers.values())
    for _ in range(20 * calls):
        if len(drawing.calls) >= calls:
            break
        (make,) = drawing.rng.choices(kinds, weights)
        try:
            make(drawing)
        except UnfitError:
            continue
