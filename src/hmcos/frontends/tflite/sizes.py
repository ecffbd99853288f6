"""The sizes of a model's inputs that the file leaves open: which there are, and those that were given.

An open dimension is -1 in the shape or in its signature. It is called by its input and axis, `INPUT:AXIS`; a
leading one is 1 by default. The sizes of other tensors follow from those: a runtime tells them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hmcos.errors import OptionError, SizeError
from hmcos.frontends.tflite.calls import fed
from hmcos.frontends.tflite.operator_codes import kind_of
from hmcos.frontends.tflite.schema import ModelT, SubGraphT, TensorT, bytes_of, integers, text
from hmcos.graph.graph import Tensor
from hmcos.words import shortened

SHOWN = 60
"""Most characters of a name in a note."""
UNTOLD = 1_000_003
"""The first dimension, in a question, of tensors whose sizes are asked for; it is still there if nothing told
them, and no network has a dimension of just this size."""
LARGEST_SIZE = 2**31 - 1
"""Of a dimension; the file holds int32."""
_COUNTING = frozenset({"NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5", "UNIQUE", "WHERE"})
"""Kinds that make as many rows as they find."""
Place = tuple[int, int]
"""A subgraph and a tensor in it, by number."""
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class InputSizes:
    """The open dimensions of a model's inputs, their sizes, and what has to be said of them."""

    symbols: tuple[str, ...]
    """In the order of the inputs."""
    bind: dict[str, int]
    """Those with a size, given or by default."""
    shapes: dict[int, tuple[int | str, ...]]
    """Input to its shape, with the symbols that have no size."""
    notes: tuple[str, ...] = ()
    limits: dict[Place, int] = field(default_factory=dict[tuple[int, int], int])
    """Tensor that an operator makes, and axis, to the size given for it: at most that."""

    @property
    def unbound(self) -> tuple[str, ...]:
        """The symbols without a size."""
        return tuple(symbol for symbol in self.symbols if symbol not in self.bind)

    def without_defaults(self, bind: Mapping[str, int]) -> InputSizes:
        """Return the sizes with only those named that were given: the others are what the file says."""
        return replace(self, bind=dict(bind), notes=())


def settle(model: ModelT, bind: Mapping[str, int]) -> InputSizes:
    """Return the sizes of a model's inputs.

    Raises:
        OptionError: `bind` names an unknown dimension, or a size that is not positive.
    """
    named = _named_shapes(model)
    symbols = tuple(dict.fromkeys(n for shape in named.values() for n in shape if isinstance(n, str)))
    made = {} if bind.keys() <= set(symbols) else _made_axes(model)
    _check(bind, symbols, made, _sizes_by_place(model, named))
    limits = {made[name]: size for name, size in bind.items() if name not in symbols}
    given = dict(bind)
    leading = [
        shape[0] for shape in named.values() if shape and isinstance(shape[0], str) and shape[0] not in given
    ]
    bound = {given[shape[0]] for shape in named.values() if shape and shape[0] in given}
    rest = list(dict.fromkeys(name for name in leading if isinstance(name, str)))
    size = bound.pop() if len(bound) == 1 else 1
    given.update(dict.fromkeys(rest, size))
    shapes = {
        t: tuple(given.get(n, n) if isinstance(n, str) else n for n in shape) for t, shape in named.items()
    }
    return InputSizes(symbols, given, shapes, tuple(_defaults(rest, size)), limits)


def _defaults(rest: Sequence[str], size: int) -> Iterator[str]:
    if rest:
        more = f" and {len(rest) - 1} more" if len(rest) > 1 else ""
        name = shortened(rest[0], SHOWN)
        yield (
            f"the leading dimension {name}{more} has no name and no size; "
            f"it counts as {size}: --bind {name}=N"
        )


def _named_shapes(model: ModelT) -> dict[int, tuple[int | str, ...]]:
    """Return the shapes of the inputs that the caller feeds, with names for open dimensions."""
    main = (model.subgraphs or [])[0]
    tensors = main.tensors or []
    found: dict[int, tuple[int | str, ...]] = {}
    for t in integers(main.inputs):
        if 0 <= t < len(tensors) and not has_data(model, tensors[t]):
            opened, name = open_axes(tensors[t]), _name(t, tensors[t])
            sizes = integers(tensors[t].shape) or integers(tensors[t].shapeSignature)
            found[t] = tuple(f"{name}:{a}" if a in opened else n for a, n in enumerate(sizes))
    return found


def _made_axes(model: ModelT) -> dict[str, tuple[int, int]]:
    """Return the open dimensions of what operators make, by name: tensor and axis."""
    main = (model.subgraphs or [])[0]
    tensors = main.tensors or []
    made = [t for op in main.operators or [] for t in integers(op.outputs) if 0 <= t < len(tensors)]
    return {f"{_name(t, tensors[t])}:{a}": (t, a) for t in made for a in open_axes(tensors[t])}


def _name(number: int, tensor: TensorT) -> str:
    return text(tensor.name) or f"tensor {number}"


def _sizes_by_place(model: ModelT, named: Mapping[int, Sequence[int | str]]) -> dict[str, int]:
    tensors = (model.subgraphs or [])[0].tensors or []
    return {
        f"{_name(t, tensors[t])}:{a}": n
        for t, shape in named.items()
        for a, n in enumerate(shape)
        if isinstance(n, int)
    }


def _check(
    bind: Mapping[str, int], symbols: Sequence[str], made: Collection[str], fixed: Mapping[str, int]
) -> None:
    for name, size in bind.items():
        if name in fixed and name not in symbols:
            raise OptionError(f"the dimension {name!r} cannot be bound: its size is {fixed[name]}")
        if name not in symbols and name not in made:
            known = f"its symbols are {', '.join(symbols)}" if symbols else "it has no symbolic dimensions"
            raise OptionError(f"there is no dimension {name!r} to bind; {known}")
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= LARGEST_SIZE:
            raise OptionError(f"the dimension {name!r} must be bound to a positive int32, not {size!r}")


def has_data(model: ModelT, tensor: TensorT) -> bool:
    """Return whether a tensor is a constant or a variable, of which the file has the size."""
    buffers = model.buffers or []
    return bool(tensor.isVariable) or bytes_of(buffers[tensor.buffer]) > 0


def open_axes(tensor: TensorT) -> set[int]:
    """Return the axes of a tensor that the file leaves open."""
    listed = (integers(tensor.shape), integers(tensor.shapeSignature))
    return {axis for sizes in listed for axis, size in enumerate(sizes) if size < 0}


def is_fixed(tensor: TensorT) -> bool:
    """Return whether the shape holds as it stands: at most the batch is open, and it is 1 in the file.

    Runtimes allocate the shape unless the user resizes the input.
    """
    shape = integers(tensor.shape)
    return all(n >= 0 for n in shape) and all(
        axis == 0 and bool(shape) and shape[0] == 1 for axis in open_axes(tensor)
    )


def is_settled(model: ModelT, sizes: InputSizes) -> bool:
    """Return whether the shapes in the file are those that the sizes of the inputs give."""
    tensors = (model.subgraphs or [])[0].tensors or []
    return (
        not sizes.limits
        and not _depends_on_data(model)
        and all(tuple(integers(tensors[t].shape)) == shape for t, shape in sizes.shapes.items())
        and all(
            is_fixed(tensor)
            for graph in model.subgraphs or []
            for tensor in graph.tensors or []
            if not has_data(model, tensor)
        )
    )


def _depends_on_data(model: ModelT) -> bool:
    """Return whether an open leading dimension is surely not the batch."""
    return any(
        open_axes((graph.tensors or [])[t])
        for graph in model.subgraphs or []
        for number, op in enumerate(graph.operators or [])
        if kind_of(model, number, op)[0] in _COUNTING
        for t in integers(op.outputs)
        if 0 <= t < len(graph.tensors or [])
    )


def check_bound(sizes: InputSizes) -> None:
    """Check that all open dimensions of inputs have a size.

    Raises:
        SizeError: some have none; names them and the way out.
    """
    if sizes.unbound:
        free = ", ".join(sizes.unbound)
        raise SizeError(f"sizes are unknown: bind the free symbols {free} with --bind NAME=VALUE")


def ask(model: ModelT, sizes: InputSizes) -> None:
    """Give a model's inputs their sizes, and all tensors that follow from them one that means: unknown."""
    for number, graph in followed(model).items():
        made = {t for op in graph.operators or [] for t in integers(op.outputs)}
        if number:
            made |= set(integers(graph.inputs))
        for t, tensor in enumerate(graph.tensors or []):
            if t in made and not has_data(model, tensor):
                rank = max(1, len(integers(tensor.shape)))
                fix_shape(tensor, (UNTOLD, *(1 for _ in range(rank - 1))))
    tensors = (model.subgraphs or [])[0].tensors or []
    for t, shape in sizes.shapes.items():
        fix_shape(tensors[t], [n for n in shape if isinstance(n, int)])


def fix(model: ModelT, sizes: InputSizes, told: Mapping[str, Tensor]) -> None:
    """Give all tensors that follow from the inputs the sizes that a runtime told, by `SUBGRAPH:TENSOR`.

    Those that have only bounds stay as they are: a runtime gives them their sizes when it runs.

    Raises:
        SizeError: the sizes of a tensor depend on data and have no bound; names operator and tensor.
    """
    known, varying = known_shapes(model, sizes, told), bounds_in(told)
    for number, graph in followed(model).items():
        for t, tensor in enumerate(graph.tensors or []):
            if not has_data(model, tensor):
                if (number, t) not in known:
                    raise SizeError(_untold(model, number, t))
                if (number, t) not in varying:
                    fix_shape(tensor, known[number, t])


def followed(model: ModelT) -> dict[int, SubGraphT]:
    """Return the subgraphs into which the sizes of the main graph's inputs go, by number, callers first.

    Others, such as further signatures and what a CALL_ONCE runs, keep the shapes in the file.
    """
    graphs = model.subgraphs or []
    return {n: graphs[n] for n in dict.fromkeys((0, *(feeding.call.subgraph for feeding in fed(model))))}


def known_shapes(model: ModelT, sizes: InputSizes, told: Mapping[str, Tensor]) -> dict[Place, Shape]:
    """Return subgraph and tensor to shape.

    LiteRT drops the inputs that a body never reads, and tells nothing of them; TFLM keeps them.
    """
    known = {place_of(key): tensor.shape for key, tensor in told.items() if UNTOLD not in tensor.shape}
    known.update({(0, t): tuple(n for n in s if isinstance(n, int)) for t, s in sizes.shapes.items()})
    for feeding in fed(model):
        given = known.get((feeding.caller, feeding.given))
        taken = (feeding.call.subgraph, feeding.taken)
        if given is not None and known.setdefault(taken, given) != given:
            raise SizeError(
                f"operator {feeding.call.operator} of subgraph {feeding.caller} gives tensor {taken[1]} of "
                f"subgraph {taken[0]} the shape {list(given)}, but elsewhere it is {list(known[taken])}; "
                "bodies have one size: convert the model with fixed sizes"
            )
    return known


def place_of(key: str) -> Place:
    """Return the place that a key of what a runtime told names."""
    subgraph, _, tensor = key.partition(":")
    return int(subgraph), int(tensor)


def _untold(model: ModelT, subgraph: int, tensor: int) -> str:
    graph = (model.subgraphs or [])[subgraph]
    where = f" of subgraph {subgraph}" if subgraph else ""
    title = f"tensor {tensor} ({text((graph.tensors or [])[tensor].name)!r}){where}"
    for number, op in enumerate(graph.operators or []):
        # LiteRT knows nothing of what comes after the first operator whose output it cannot know.
        if tensor in integers(op.outputs):
            kind = kind_of(model, number, op)[0]
            return (
                f"operator {number} ({kind}): the size of {title} depends on the values that it reads, "
                f"and has no bound; {_way_out(graph, subgraph, tensor)}"
            )
    return f"{title}: has a dynamic shape, and no operator makes it; convert the model with fixed sizes"


def _way_out(graph: SubGraphT, subgraph: int, tensor: int) -> str:
    known = (graph.tensors or [])[tensor]
    name = shortened(_name(tensor, known), SHOWN)
    axes = [] if subgraph else sorted(open_axes(known))
    given = " ".join(f"--bind {name}:{axis}=N" for axis in axes)
    return f"give one with {given}" if given else "convert the model with fixed sizes"


def bounds_in(told: Mapping[str, Tensor]) -> dict[Place, Shape]:
    """Return the bounds among the sizes that a runtime told."""
    return {place_of(key): tensor.shape for key, tensor in told.items() if tensor.at_most}


def fix_shape(tensor: TensorT, shape: Sequence[int]) -> None:
    """Give a tensor a shape, and no other signature."""
    tensor.shape = [*shape]
    if tensor.shapeSignature is not None and integers(tensor.shapeSignature) != [*shape]:
        tensor.shapeSignature = None
