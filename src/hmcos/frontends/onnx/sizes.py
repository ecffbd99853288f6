"""The sizes of a model's inputs that have to be given, and values that decide sizes: those that were given.

A dimension without a name is called by its input and its axis, `INPUT:AXIS`; a leading one is 1 by default.
Parameters that the caller may feed (they are listed as inputs as well) keep the value in the file unless
another size is bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from onnx import TypeProto

from hmcos.errors import OptionError
from hmcos.frontends.onnx.dimensions import evaluate, symbols
from hmcos.frontends.onnx.given_values import given_values, keys_of, suggested
from hmcos.frontends.onnx.listing import ListedGraph, ListedValue, dimensions, symbolic
from hmcos.frontends.onnx.sequences import MOST_PARTS
from hmcos.frontends.onnx.types import UNNAMED, ValueType, read_type

MOST_AXES = 64
"""Most axes of an input without a shape that can be bound."""
SHOWN = 60
"""Most characters of a name in a note."""


@dataclass(frozen=True, slots=True)
class InputSizes:
    """The symbols of a model, their sizes, and what has to be said of them."""

    symbols: tuple[str, ...]
    """In order of first appearance."""
    bind: dict[str, int]
    """Those with a size, given or by default, and what gives values to inputs (`given_values`)."""
    values: dict[str, tuple[int, ...]]
    """The elements of the inputs that have the same value in every run, by name."""
    notes: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()
    """The leading dimensions that are 1 because nothing was bound, as INPUT:AXIS."""


def settle(graphs: Sequence[ListedGraph], bind: Mapping[str, int], *, lenient: bool = False) -> InputSizes:
    """Return the sizes of a model's inputs; its main graph, the first, is changed to have names for all axes.

    With `lenient`, bindings of unknown symbols are left out.

    Raises:
        OptionError: `bind` names an unknown dimension, or a size that is not positive.
    """
    main = graphs[0]
    unnamed = _name_axes(main, bind)
    texts = dimensions(graphs)
    free = symbols(texts)
    given = _translated(main, bind)
    inner = {name for node in main.nodes for name in node.outputs}
    inner.update(value.name for value in main.inputs if not value.type.HasField("tensor_type"))
    if lenient:
        valued = keys_of((value.name for value in main.inputs), given)
        kept = {*free, *valued}
        given = {name: size for name, size in given.items() if name in kept or _is_axis(name, inner)}
    defaults = tuple(symbol for symbol in unnamed if symbol not in given)
    notes = [*_defaults(main, unnamed, given), *_overridden(main, given)]
    values = given_values(main, given, {*free, *texts})
    valued = keys_of(values, given).difference(free, texts)
    _check({key: size for key, size in given.items() if key not in valued}, main, free, texts, inner)
    defaults = tuple(symbol for symbol in defaults if given[symbol] == 1)
    return InputSizes(free, given, values, tuple(notes), defaults)


def sequence_inputs(main: ListedGraph, bind: Mapping[str, int]) -> dict[str, ValueType]:
    """Return the types of inputs that are sequences or optionals: their parts are all of one declared type.

    The number of parts of a sequence is bound as INPUT:0, axes of parts without a name from INPUT:1 on. An
    optional counts as if it held something.

    Raises:
        OptionError: more parts are bound than are counted.
    """
    found: dict[str, ValueType] = {}
    for value in main.inputs:
        kind, inside = value.type.WhichOneof("value"), value.type
        if kind not in ("sequence_type", "optional_type"):
            continue
        axis, wraps = 0, list[tuple[str, int | None]]()
        while (kind := inside.WhichOneof("value")) in ("sequence_type", "optional_type"):
            if kind == "sequence_type":
                wraps.append(("sequence", bind.get(f"{value.name}:{axis}")))
                axis, inside = axis + 1, inside.sequence_type.elem_type
            else:
                wraps.append(("optional", 1))
                inside = inside.optional_type.elem_type
        held = _part(value.name, axis, inside, bind)
        for wrapped, many in reversed(wraps):
            if many is not None and many > MOST_PARTS:
                raise OptionError(
                    f"the sequence {value.name!r} is counted up to {MOST_PARTS:,} parts, not {many:,}"
                )
            parts = None if many is None or not held.is_known else (held,) * many
            held = ValueType(held.element, kind=wrapped, parts=parts)
        found[value.name] = held
    return found


def axes_to_bind(main: ListedGraph, bind: Mapping[str, int]) -> Iterator[str]:
    """Yield the sizes of sequences and optionals among the inputs that have no symbol, as INPUT:AXIS."""
    for value in main.inputs:
        axis, inside = 0, value.type
        while (kind := inside.WhichOneof("value")) in ("sequence_type", "optional_type"):
            if kind == "sequence_type":
                yield from () if f"{value.name}:{axis}" in bind else (f"{value.name}:{axis}",)
                axis, inside = axis + 1, inside.sequence_type.elem_type
            else:
                inside = inside.optional_type.elem_type
        if value.type.HasField("tensor_type") or kind != "tensor_type":
            continue
        shape = _part(value.name, axis, inside, {}).shape
        own = {f"{value.name}:{place}" for place in range(axis, axis + len(shape or (0,)))}
        dims = sorted(own) if shape is None else shape
        yield from (str(dim) for dim in dims if dim in own and dim not in bind)


def _part(name: str, axis: int, declared: TypeProto, bind: Mapping[str, int]) -> ValueType:
    """Return the type of a part of an input, of which the first axis has a number."""
    tensor = declared.tensor_type
    dims: list[int | str | None] = []
    if tensor.HasField("shape"):
        read = read_type(declared, bind)
        dims = [
            bind.get(f"{name}:{axis + i}", f"{name}:{axis + i}") if n is None else n
            for i, n in enumerate(read.shape or ())
        ]
    else:
        while f"{name}:{axis + len(dims)}" in bind:
            dims.append(bind[f"{name}:{axis + len(dims)}"])
        if not dims:
            return ValueType(tensor.elem_type)
    return ValueType(tensor.elem_type, tuple(dims))


def _name_axes(main: ListedGraph, bind: Mapping[str, int]) -> list[str]:
    """Give names to the dimensions of inputs that have none; return those of leading ones."""
    leading: list[str] = []
    parameters = {tensor.name for tensor in main.parameters}
    for place, value in enumerate(main.inputs):
        if not value.type.HasField("tensor_type") or value.name in parameters:
            continue
        axes = _axes_to_name(value, bind)
        if axes:
            main.inputs[place] = _named(value, axes)
            leading += [f"{value.name}:0"] if axes[0] == 0 else []
    return leading


def _axes_to_name(value: ListedValue, bind: Mapping[str, int]) -> list[int]:
    tensor = value.type.tensor_type
    if tensor.HasField("shape"):
        dims = enumerate(tensor.shape.dim)
        return [
            a
            for a, dim in dims
            if not dim.dim_param and (dim.dim_value == UNNAMED or not dim.HasField("dim_value"))
        ]
    axis = 0
    while axis < MOST_AXES and f"{value.name}:{axis}" in bind:
        axis += 1
    return list(range(axis))


def _named(value: ListedValue, axes: Sequence[int]) -> ListedValue:
    declared = TypeProto()
    declared.CopyFrom(value.type)
    dims = declared.tensor_type.shape.dim
    while len(dims) <= axes[-1]:
        dims.add()
    for axis in axes:
        dims[axis].dim_param = f"{value.name}:{axis}"
    return ListedValue(value.name, declared, declared.SerializeToString())


def _translated(main: ListedGraph, bind: Mapping[str, int]) -> dict[str, int]:
    """Return the bindings with INPUT:AXIS replaced by the name that the dimension has.

    Raises:
        OptionError: the dimension has a size of its own.
    """
    inputs = {value.name: value for value in main.inputs} if any(":" in key for key in bind) else {}
    given: dict[str, int] = {}
    for key, size in bind.items():
        name, _, axis = key.rpartition(":")
        value = inputs.get(name)
        dims = () if value is None else value.type.tensor_type.shape.dim
        if not axis.isdecimal() or not int(axis[:9]) < len(dims):
            given[key] = size
        elif dims[int(axis)].dim_param:
            given[dims[int(axis)].dim_param] = size
        else:
            raise OptionError(
                f"the dimension {key!r} cannot be bound: its size is {dims[int(axis)].dim_value}"
            )
    return given


def _is_axis(name: str, tensors: set[str]) -> bool:
    """Return whether a name is that of an axis of one of these tensors."""
    tensor, _, axis = name.rpartition(":")
    return axis.isdecimal() and tensor in tensors


def _check(
    bind: Mapping[str, int],
    main: ListedGraph,
    listed: tuple[str, ...],
    dimensions: tuple[str, ...],
    made: set[str],
) -> None:
    """Check the bindings of sizes."""
    for name, size in bind.items():
        if name not in listed and name not in dimensions and not _is_axis(name, made):
            known = f"its symbols are {', '.join(listed)}" if listed else "it has no symbolic dimensions"
            names = suggested(main, bind)
            valued = f"; the value of an input can be bound too: {', '.join(names[:3])}" if names else ""
            raise OptionError(f"there is no dimension {name!r} to bind; {known}{valued}")
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size < 2**63:
            raise OptionError(f"the dimension {name!r} must be bound to a positive integer, not {size!r}")


def _defaults(main: ListedGraph, leading: Sequence[str], given: dict[str, int]) -> Iterator[str]:
    """Bind leading dimensions without a name to that of the others, or to 1, and say so."""
    bound = {given[symbol] for symbol in leading if symbol in given}
    size = bound.pop() if len(bound) == 1 else 1
    rest = [symbol for symbol in leading if symbol not in given]
    if rest:
        given.update(dict.fromkeys(rest, size))
        more = f" and {len(rest) - 1} more" if len(rest) > 1 else ""
        name = rest[0] if len(rest[0]) <= SHOWN else f"...{rest[0][-SHOWN:]}"
        yield (
            f"the leading dimension {name}{more} has no name and no size; "
            f"it counts as {size}: --bind {name}=N"
        )


def _overridden(main: ListedGraph, given: Mapping[str, int]) -> Iterator[str]:
    """Make inputs of the parameters for which other sizes are bound; the others keep those of the file."""
    parameters = {tensor.name: tensor for tensor in main.parameters}
    fed: set[str] = set()
    for place, value in enumerate(main.inputs):
        tensor = parameters.get(value.name)
        if tensor is None or not any(symbolic(value.type)):
            continue
        dims = value.type.tensor_type.shape.dim
        sizes = tuple(evaluate(d.dim_param, given) if d.dim_param else d.dim_value for d in dims)
        if None not in sizes and sizes != tensor.type.sizes:
            fed.add(value.name)
        else:
            declared = TypeProto()
            declared.tensor_type.elem_type = tensor.type.element
            declared.tensor_type.shape.SetInParent()
            for size in tensor.type.sizes:
                declared.tensor_type.shape.dim.add().dim_value = size
            main.inputs[place] = ListedValue(value.name, declared, declared.SerializeToString())
    if fed:
        main.parameters[:] = [tensor for tensor in main.parameters if tensor.name not in fed]
        names = ", ".join(sorted(fed)[:3])
        yield f"parameters that the caller feeds, since other sizes are bound than those in the file: {names}"
