"""What happens while one node runs on fake tensors: fresh storages, writes, random numbers, bodies."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch.fx import GraphModule
from torch.utils import _pytree as pytree

from hmcos.frontends.torch.eager import as_eager
from hmcos.frontends.torch.private import (
    FakeTensor,
    FakeTensorMode,
    StorageWeakRef,
    TorchDispatchMode,
    has_ordered_effect,
    storage_address,
    weak_address,
)

_HIDDEN_WRITES = ("native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm", "batch_norm")
"""Operators that update running statistics though their schemas do not say so."""
_STATISTICS, _TRAINING = (3, 4), 5
"""Positions of their arguments: the statistics, and whether these are updated."""


def tensors_in(value: object) -> Iterator[torch.Tensor]:
    """Yield the tensors in a nested value, in order."""
    for leaf in cast("list[object]", pytree.tree_leaves(value)):
        if isinstance(leaf, torch.Tensor):
            yield leaf


@dataclass
class BodyRun:
    """A body that an operator runs: what it is first called with, and what is held beside it."""

    module: GraphModule
    arguments: tuple[object, ...]
    held: tuple[int, ...]
    """Sizes of the storages that the operator holds besides its inputs, when it holds most."""
    around: Callable[[], AbstractContextManager[object]] = nullcontext
    """What the operator enters before it runs the body, such as autocast, which changes sizes."""


@dataclass
class Happened:
    """What happened while a node ran."""

    written: set[int] = field(default_factory=set[int])
    """Addresses of the storages that were written."""
    is_random: bool = False
    temporaries: tuple[int, ...] = ()
    """Sizes of the fresh storages at the moment when they took most, outside bodies."""
    leaves: int = 0
    """The number of operators that the dispatcher ran."""
    bodies: dict[str, BodyRun] = field(default_factory=dict[str, BodyRun])


class Observer(TorchDispatchMode):
    """Sees every operator that the dispatcher runs in a node, composite ones as what they consist of."""

    def __init__(self, mode: FakeTensorMode) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]
        self._mode = mode
        self._constants: dict[int, torch.Tensor] = {}
        """Identity of a real tensor of the module to a fake one."""
        self.happened = Happened()
        self._fresh: list[tuple[StorageWeakRef, int]] = []
        self._known: set[int] = set()
        self._inside = 0
        """How many bodies are running inside each other."""

    def begin(self, arguments: object) -> None:
        """Begin with a node that is called with these arguments."""
        self.happened = Happened()
        self._fresh = []
        known = [*tensors_in(arguments), *self._constants.values()]
        self._known = {storage_address(tensor) for tensor in known if has_storage(tensor)}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Run an operator and note what it did."""
        args, named = self._as_fakes((args, dict(kwargs or {})))
        # Tensors that are no arguments of the node, such as constants, exist already.
        given = {storage_address(t) for t in tensors_in((args, named)) if has_storage(t)}
        self._known |= given - self._addresses()
        happened = self.happened
        happened.written |= written_by(func, args, named)  # before, as set_ gives a tensor another storage
        result = as_eager(func, args, func(*args, **named))
        happened.leaves += 1
        happened.is_random |= draws_random_numbers(func, args, named) or has_ordered_effect(func)
        happened.written |= written_by(func, args, named)
        self._note(result)
        if not self._inside:
            self._measure()
        return result

    def constant(self, value: torch.Tensor) -> torch.Tensor:
        """Return a fake of a real tensor that the module holds; tensors of one storage stay so."""
        if id(value) not in self._constants:
            fake = self._mode.from_tensor(value, static_shapes=True)
            self._constants[id(value)] = fake
        return self._constants[id(value)]

    def constants_written(self) -> set[int]:
        """Return the addresses of the tensors of the module that the node wrote to, such as statistics."""
        return self.happened.written & {storage_address(fake) for fake in self._constants.values()}

    def _as_fakes(
        self, arguments: tuple[tuple[Any, ...], dict[str, Any]]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return arguments with fakes of real tensors, such as the weights of a module that a node calls.

        Otherwise the mode would make fakes of its own, whose storages would look fresh.
        """
        if all(isinstance(tensor, FakeTensor) for tensor in tensors_in(arguments)):
            return arguments
        return pytree.tree_map_only(
            torch.Tensor, lambda t: t if isinstance(t, FakeTensor) else self.constant(t), arguments
        )

    def body(
        self,
        name: str,
        module: GraphModule,
        call: Callable[..., object],
        around: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> Callable[..., object]:
        """Return a function that runs a body by `call` and notes what is held beside it."""

        def run(*arguments: object) -> object:
            held = self.live()
            noted = self.happened.bodies.get(name)
            if noted is None or _weight(held) > _weight(noted.held):
                first = arguments if noted is None else noted.arguments
                self.happened.bodies[name] = BodyRun(module, first, held, around)
            with self.inside(), around():
                return call(*arguments)

        return run

    @contextmanager
    def inside(self) -> Generator[None]:
        """Count what runs as part of a body: its memory is not that of the operator."""
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    def live(self) -> tuple[int, ...]:
        """Return the sizes of the storages that were made since the node began and still exist."""
        self._fresh = [(storage, size) for storage, size in self._fresh if not storage.expired()]
        return tuple(size for _, size in self._fresh)

    def _measure(self) -> None:
        live = self.live()
        if _weight(live) > _weight(self.happened.temporaries):
            self.happened.temporaries = live

    def _note(self, result: object) -> None:
        addresses = self._addresses() | self._known
        for tensor in tensors_in(result):
            if not has_storage(tensor):
                continue
            storage = tensor.untyped_storage()
            if storage_address(tensor) not in addresses:
                addresses.add(storage_address(tensor))
                self._fresh.append((StorageWeakRef(storage), int(storage.nbytes())))

    def _addresses(self) -> set[int]:
        self.live()
        return {weak_address(storage) for storage, _ in self._fresh}


def _weight(sizes: Sequence[int]) -> tuple[int, int]:
    return sum(sizes), len(sizes)


def has_storage(tensor: torch.Tensor) -> bool:
    """Return whether a tensor is a part of one block of memory; sparse and nested ones are not."""
    return tensor.layout is torch.strided and not tensor.is_nested


def draws_random_numbers(func: Any, args: Sequence[object], kwargs: Mapping[str, object]) -> bool:
    """Return whether a call of an operator draws random numbers.

    Attention without dropout draws none, nor does its backward on CUDA, which is given the state of the
    generator from before forward.
    """
    if torch.Tag.nondeterministic_seeded not in getattr(func, "tags", ()):
        return False
    names = [argument.name for argument in func._schema.arguments]
    if "philox_seed" in names:
        return False
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    return "dropout_p" not in names or given.get("dropout_p", 0.0) not in (0, 0.0)


def written_by(func: Any, args: Sequence[object], kwargs: Mapping[str, object]) -> set[int]:
    """Return the addresses of the storages that an operator writes to."""
    given: list[object] = []
    schema = func._schema
    for position, argument in enumerate(schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            given.append(args[position] if position < len(args) else kwargs.get(argument.name))
    if func._opname in _HIDDEN_WRITES and len(args) > _TRAINING and args[_TRAINING]:
        given += [args[position] for position in _STATISTICS]
    return {storage_address(tensor) for tensor in tensors_in(given) if has_storage(tensor)}
