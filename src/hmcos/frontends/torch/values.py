"""Run a graph once on fake tensors and keep every value: which node makes, reads and writes which storage."""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, cast

import torch
from torch.fx import GraphModule, Interpreter, Node

from hmcos.errors import ModelError
from hmcos.frontends.torch.control_flow import run_higher_order
from hmcos.frontends.torch.kinds import changes_the_state, looks_at_sizes_only
from hmcos.frontends.torch.observing import BodyRun, Happened, Observer, has_storage, tensors_in
from hmcos.frontends.torch.private import (
    FakeTensorMode,
    HigherOrderOperator,
    OpOverload,
    UnsupportedOperatorException,
    fake_mode,
    hinted,
    storage_address,
    wrapped_operator,
)
from hmcos.frontends.torch.refusing import refusal
from hmcos.words import first_line

COLLECTIVES = (
    "symm_mem",
    "_c10d_functional",
    "_c10d_functional_autograd",
    "c10d",
    "c10d_functional",
    "_dtensor",
)
"""Namespaces of operators that several processes run together."""
DEEPEST = 5
"""Most bodies inside each other."""


@dataclass(frozen=True, slots=True)
class Storage:
    """A block of memory that tensors are views of. Its id is its position in `Observed.storages`."""

    name: str
    """The node that it was first seen at."""
    size: int
    """Bytes."""
    element: str
    """Element type of the first tensor in it, in numpy's spelling; uint8 where that is only a part."""
    bits: int
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BodySeen:
    """A graph that a node runs inside itself."""

    name: str
    observed: Observed
    held: tuple[int, ...]
    """Sizes of the storages that the node holds beside it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one node did. Storages are given by their ids."""

    node: Node
    value: tuple[int, ...]
    """Storages of the tensors in its value, each once."""
    reads: tuple[int, ...]
    """Storages of its tensor arguments, each once."""
    makes: tuple[int, ...]
    writes: frozenset[int]
    changes_layout: frozenset[int]
    """Storages of arguments whose sizes, strides or storages it changed in place, before and after."""
    is_random: bool
    """Whether it draws random numbers, or changes what a module holds: such nodes keep their order."""
    temporaries: tuple[int, ...]
    """Sizes of what it made and held when it held most, if it consists of several operators."""
    is_part: bool
    """Whether it takes a part of the results of another node."""
    changes_the_state: bool
    """Whether it may change how nodes after it run, so that none may cross it."""
    is_size: bool
    """Whether it reads no data: sizes of tensors, and arithmetic with them."""
    bodies: tuple[BodySeen, ...] = ()


@dataclass
class Observed:
    """A graph and what each of its nodes did, in the order of the graph."""

    module: GraphModule
    storages: list[Storage] = field(default_factory=list[Storage])
    nodes: list[Seen] = field(default_factory=list[Seen])
    values: dict[Node, object] = field(default_factory=dict[Node, object])
    """Node to its value, made of fake tensors."""


def observe(
    module: GraphModule, inputs: Sequence[object], depth: int = 0, views: Collection[str] = ()
) -> Observed:
    """Return what the nodes of a graph do when it is called with these inputs.

    The inputs are one per placeholder; real and fake tensors are taken alike, and nothing is computed.
    `views` are operators that copy into another shape, and that the target runs as views, except for results
    of the graph.

    Raises:
        ModelError: a node cannot be scheduled, or does not run; names node and module.
    """
    if depth > DEEPEST:
        raise ModelError(f"bodies of operators lie inside each other more than {DEEPEST} deep")
    mode = fake_mode()
    observer = Observer(mode)
    placeholders = [node.name for node in module.graph.nodes if node.op == "placeholder"]
    given = as_fakes(mode, inputs, placeholders)
    run = _Observation(module, observer, frozenset(views))
    try:
        with torch.no_grad(), mode, observer:
            run.run(*given, enable_io_processing=False)
    finally:
        for entered in reversed(run.entered):  # a node failed before others left what it had entered
            if isinstance(entered, AbstractContextManager):
                entered.__exit__(None, None, None)
    for place, bodies in run.bodies.items():
        seen = run.observed.nodes[place]
        run.observed.nodes[place] = replace(seen, bodies=_bodies(seen.node, bodies, depth, views))
    return run.observed


def _bodies(
    node: Node, bodies: Mapping[str, BodyRun], depth: int, views: Collection[str]
) -> tuple[BodySeen, ...]:
    seen: list[BodySeen] = []
    for name, ran in bodies.items():
        try:
            with ran.around():
                seen.append(BodySeen(name, observe(ran.module, ran.arguments, depth + 1, views), ran.held))
        except ModelError as error:
            raise refusal(node, f"in its body {name}: {error}") from error
    return tuple(seen)


def as_fakes(mode: FakeTensorMode, inputs: Iterable[object], names: Sequence[str]) -> list[object]:
    """Return inputs with their tensors as fake ones of a mode; symbolic sizes become those of the example.

    Raises:
        ModelError: an input is a sparse or nested tensor, or its size depends on data.
    """
    bases: dict[int, torch.Tensor] = {}
    return [_fake(mode, value, name, bases) for value, name in zip(inputs, names, strict=True)]


def _fake(mode: FakeTensorMode, value: object, name: str, bases: dict[int, torch.Tensor]) -> object:
    if isinstance(value, torch.SymInt):
        return hinted(value)
    if not isinstance(value, torch.Tensor):
        return value
    if not has_storage(value):
        raise ModelError(
            f"input {name!r}: is a {kind_of_layout(value)} tensor, which is no single block of memory; "
            "pass its parts as dense tensors"
        )
    try:
        size, stride = ([hinted(n) for n in numbers] for numbers in (value.size(), value.stride()))
        offset = hinted(value.storage_offset())
        room = hinted(cast("int | torch.SymInt", value.untyped_storage().nbytes()))
    except ValueError as error:
        raise ModelError(f"input {name!r}: its size {error}; give it a fixed size") from error
    except NotImplementedError as error:  # a tensor of torch.func
        raise ModelError(
            f"input {name!r}: is a tensor without a storage; export the model without it"
        ) from error
    address = storage_address(value)
    with mode:
        if address not in bases:
            bases[address] = torch.empty(room, dtype=torch.uint8, device=value.device)
        fake = cast(Any, torch.empty(0, dtype=value.dtype, device=value.device))
        return fake.set_(bases[address].untyped_storage(), offset, size, stride)


class _Observation(Interpreter):
    """Runs a graph, keeps every value, and notes what each node did."""

    def __init__(self, module: GraphModule, observer: Observer, views: frozenset[str]) -> None:
        super().__init__(module, garbage_collect_values=False)
        self.views = views
        self.extra_traceback = False  # it would be appended to our messages
        self.observed = Observed(module)
        self.observer = observer
        self.bodies: dict[int, dict[str, BodyRun]] = {}
        """Position in `observed.nodes` to the bodies that ran there."""
        self.ids: dict[int, int] = {}
        """Address of a storage to its id."""
        self.entered: list[Any] = []
        """What nodes entered, such as autocast, and none has left yet."""

    def run_node(self, n: Node) -> Any:
        """Return the value of a node, after noting what happened."""
        _check_kind(n)
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        tensors = list(tensors_in((args, kwargs)))
        layouts = [(_layout(tensor), self._storages(n, tensor)) for tensor in tensors]
        versions = [_version(tensor) for tensor in tensors]
        self.observer.begin(tensors)
        try:
            value = self._value(n, args, kwargs)
        except ModelError:
            raise
        except UnsupportedOperatorException as error:
            raise refusal(
                n,
                "has no kernel for tensors without values, as operators on sparse tensors have none; "
                "use dense tensors, or another operator",
            ) from error
        except Exception as error:
            if "data-dependent" in str(error):
                raise _depends_on_data(n) from error
            raise refusal(n, f"does not run on tensors without values: {first_line(error)}") from error
        self.observed.values[n] = value
        if changes_the_state(n):
            left = {id(given) for given in args}
            self.entered = [each for each in (*self.entered, value) if id(each) not in left]
        if n.op != "output":
            changed = {
                storage
                for tensor, (old, storages) in zip(tensors, layouts, strict=True)
                if _layout(tensor) != old
                for storage in (*storages, *self._storages(n, tensor))
            }
            written = [t for t, old in zip(tensors, versions, strict=True) if _version(t) != old]
            self._note(n, tensors, value, changed, written)
        return value

    def _value(self, n: Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        if isinstance(n.target, HigherOrderOperator):
            return run_higher_order(n, n.target, args, kwargs, self.observer)
        if self.views and runs_as_view(n, self.views):
            return args[0].view(args[1])
        return getattr(self, n.op)(n.target, args, kwargs)

    def get_attr(self, target: Any, args: Any, kwargs: Any) -> Any:
        """Return a submodule, or a fake of a constant tensor."""
        value: object = super().get_attr(target, args, kwargs)
        if not isinstance(value, torch.Tensor):
            return value
        return self.observer.constant(value)

    def _note(
        self,
        n: Node,
        tensors: Sequence[torch.Tensor],
        value: object,
        changed: Collection[int],
        written: Sequence[torch.Tensor],
    ) -> None:
        happened = self.observer.happened
        reads = self._storages(n, tensors)
        known = len(self.ids)
        values = self._storages(n, value)
        is_source = n.op in ("placeholder", "get_attr")
        makes = () if is_source else tuple(s for s in values if s >= known)
        writes = {self.ids[address] for address in happened.written if self.ids.get(address, known) < known}
        if happened.bodies:
            self.bodies[len(self.observed.nodes)] = happened.bodies
        self.observed.nodes.append(
            Seen(
                node=n,
                value=values,
                reads=reads,
                makes=makes,
                writes=frozenset(writes | set(self._storages(n, written))),
                changes_layout=frozenset(changed),
                is_random=happened.is_random or bool(self.observer.constants_written() - self.ids.keys()),
                temporaries=_temporaries(happened, sum(self.observed.storages[s].size for s in makes)),
                is_part=_is_part(n, self.observed.values),
                changes_the_state=not values and changes_the_state(n),
                is_size=not values and looks_at_sizes_only(n, bool(reads)),
            )
        )

    def _storages(self, n: Node, value: object) -> tuple[int, ...]:
        return tuple(dict.fromkeys(self._storage(n, tensor) for tensor in tensors_in(value)))

    def _storage(self, n: Node, tensor: torch.Tensor) -> int:
        if not has_storage(tensor):
            raise refusal(
                n,
                f"a {kind_of_layout(tensor)} tensor is no single block of memory; use dense tensors there",
            )
        size = _bytes(n, tensor)
        number = self.ids.setdefault(storage_address(tensor), len(self.ids))
        storages = self.observed.storages
        if number == len(storages):
            storages.append(_described(n.name, tensor, size))
        elif storages[number].size != size:
            raise refusal(n, "changes the size of a tensor that exists already; make a new tensor instead")
        return number


def kind_of_layout(tensor: torch.Tensor) -> str:
    """Return what a tensor without a storage is called, such as `nested` or `sparse_coo`."""
    return "nested" if tensor.is_nested else str(tensor.layout).removeprefix("torch.").lstrip("_")


def _is_part(n: Node, values: Mapping[Node, object]) -> bool:
    taken_from = n.args[0] if n.target is operator.getitem else None
    return isinstance(taken_from, Node) and not isinstance(values[taken_from], torch.Tensor)


def _temporaries(happened: Happened, made: int) -> tuple[int, ...]:
    """Return what a node held when it needed most, with its results.

    Nothing is returned for a single operator whose results are those of the node.
    """
    is_single = happened.leaves == 1 and not happened.bodies
    return () if is_single and sum(happened.temporaries) <= made else happened.temporaries


def _bytes(n: Node, tensor: torch.Tensor) -> int:
    size = cast("int | torch.SymInt", tensor.untyped_storage().nbytes())
    try:
        return size if isinstance(size, int) else hinted(size)
    except ValueError:
        raise _depends_on_data(n) from None


def _depends_on_data(n: Node) -> ModelError:
    return refusal(
        n, "a size depends on data, so the memory is not known before; use a fixed size and a mask"
    )


def _described(name: str, tensor: torch.Tensor, size: int) -> Storage:
    bits = tensor.element_size() * 8
    shape = tuple(tensor.shape)
    element = str(tensor.dtype).removeprefix("torch.")
    if prod(shape) * bits != size * 8:
        return Storage(name, size, "uint8", 8, (size,))
    return Storage(name, size, element, bits, shape)


def runs_as_view(node: Node, views: Collection[str]) -> bool:
    """Return whether a target runs a node as a view: it is such an operator, and no result of the graph."""
    target = wrapped_operator(node.target)
    returned = any(user.op == "output" for user in node.users)
    return isinstance(target, OpOverload) and target.name() in views and not returned


def _layout(tensor: torch.Tensor) -> object:
    if not has_storage(tensor):
        return tuple(tensor.shape)
    return tuple(tensor.shape), tensor.stride(), tensor.storage_offset(), storage_address(tensor)


def _version(tensor: torch.Tensor) -> int:
    return tensor._version  # pyright: ignore[reportPrivateUsage]


def _check_kind(n: Node) -> None:
    namespace = getattr(n.target, "namespace", "")
    if namespace in COLLECTIVES:
        raise refusal(n, "is a collective operator of several processes; schedule the model of one process")
    if str(getattr(n.target, "__module__", "")).startswith("torch._functorch"):
        raise refusal(
            n,
            "is a step of torch.func, such as vmap or grad; call run_decompositions() on the program before",
        )
