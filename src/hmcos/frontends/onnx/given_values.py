"""Inputs whose values are bound, since sizes or branches follow from them.

The one element of an input is bound by the input's name, the elements of a list as NAME[0], NAME[1], ...
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from math import prod

import numpy as np
from onnx import TensorProto
from onnx.helper import tensor_dtype_to_np_dtype

from hmcos.errors import OptionError
from hmcos.frontends.onnx.folding import Array
from hmcos.frontends.onnx.listing import ListedGraph, ListedValue
from hmcos.frontends.onnx.types import ValueType, read_type

MOST_ELEMENTS = 64
"""Most elements of an input whose value can be bound."""
SUGGESTED = 8
"""Most elements of an input that messages suggest to bind."""
_FLOATS = frozenset((TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16))
_EXACT = 2**11
"""Whole numbers up to this are exact in every type of floats."""


def given_values(
    main: ListedGraph, bind: Mapping[str, int], symbols: Collection[str]
) -> dict[str, tuple[int, ...]]:
    """Return the elements of the inputs that are bound, by name; a name that is a symbol too is the symbol.

    Raises:
        OptionError: only some elements of an input are bound, its shape is unknown or too large, or a number
            does not fit its type.
    """
    keys = _keys({key: number for key, number in bind.items() if key not in symbols})
    fed = (value for value in _fed(main) if value.name in keys) if keys else ()
    return {value.name: _elements(value, bind, keys[value.name]) for value in fed}


def keys_of(names: Iterable[str], bind: Mapping[str, int]) -> set[str]:
    """Return the bindings of the values of some inputs."""
    keys = _keys(bind)
    return {key for name in names for key in keys.get(name, ())} if keys else set()


def array_of_given(elements: tuple[int, ...], value_type: ValueType) -> Array:
    """Return the value of an input as an array of its type and shape."""
    dtype = tensor_dtype_to_np_dtype(value_type.element)
    return np.array(elements, np.int64).astype(dtype).reshape(value_type.sizes)


def suggested(main: ListedGraph, bind: Mapping[str, int]) -> list[str]:
    """Return inputs that may decide sizes: those of few whole numbers that are not bound."""
    names: list[str] = []
    keys = _keys(bind)
    for value in _fed(main):
        read = read_type(value.type, bind)
        small = read.is_known and len(read.sizes) < 2 and 0 < prod(read.sizes) <= SUGGESTED
        if small and _span(read.element) is not None and read.element not in _FLOATS:
            one = prod(read.sizes) == 1
            names += [] if value.name in keys else [value.name if one else f"{value.name}[0]"]
    return names


def _fed(main: ListedGraph) -> Iterator[ListedValue]:
    parameters = {tensor.name for tensor in main.parameters}
    return (v for v in main.inputs if v.type.HasField("tensor_type") and v.name not in parameters)


def _keys(bind: Mapping[str, int]) -> dict[str, list[str]]:
    """Return name to the bindings that would give a value to an input of that name."""
    keys: dict[str, list[str]] = {}
    for key in bind:
        keys.setdefault(key, []).append(key)
        name, bracket, place = key.removesuffix("]").rpartition("[")
        if bracket and key.endswith("]") and place.isdecimal():
            keys.setdefault(name, []).append(key)
    return keys


def _elements(value: ListedValue, bind: Mapping[str, int], keys: list[str]) -> tuple[int, ...]:
    read = read_type(value.type, bind)
    span = _span(read.element)
    if span is None:
        raise OptionError(f"the value of input {value.name!r} cannot be bound: it holds no whole numbers")
    if not read.is_known or prod(read.sizes) > MOST_ELEMENTS:
        shape = [*read.shape] if read.shape is not None else "unknown"
        raise OptionError(
            f"the value of input {value.name!r} cannot be bound: its shape is {shape}, and it has to be known"
            f" and of at most {MOST_ELEMENTS} elements"
        )
    many = prod(read.sizes)
    wanted = [f"{value.name}[{k}]" for k in range(many)]
    if many == 1 and keys == [value.name]:
        wanted = keys
    if sorted(keys) != sorted(wanted):
        raise OptionError(
            f"the value of input {value.name!r} is bound by {', '.join(keys)}; it has {many} elements, so "
            f"bind {', '.join(wanted[:4])}{', ...' if many > 4 else ''}"
        )
    least, most = span
    for key in keys:
        if isinstance(bind[key], bool) or not isinstance(bind[key], int) or not least <= bind[key] <= most:
            raise OptionError(
                f"{key!r} must be bound to an integer from {least} to {most}, not {bind[key]!r}"
            )
    return tuple(bind[key] for key in wanted)


def _span(element: int) -> tuple[int, int] | None:
    """Return the least and the greatest whole number of an element type; None if it holds none."""
    if element == TensorProto.BOOL:
        return 0, 1
    if element in _FLOATS:
        return -_EXACT, _EXACT
    try:
        numbers = np.iinfo(tensor_dtype_to_np_dtype(element))
    except (KeyError, ValueError):
        return None
    return int(numbers.min), int(numbers.max)
