"""Inputs to run a network on: random ones of the right types and ranges, or the user's files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from hmcos.errors import OptionError
from hmcos.frontends.implied import Number, implied_values
from hmcos.frontends.indices import SMALL, Range, compared_with, divisors, index_ranges
from hmcos.graph.graph import Graph, Tensor

Bytes = npt.NDArray[np.uint8]
"""The raw bytes of a tensor."""
NOTHING: Mapping[int, Range] = MappingProxyType({})


def random_inputs(
    graph: Graph, seed: int, run: int, known: Mapping[int, Range] = NOTHING, integers: int | None = None
) -> dict[int, Bytes]:
    """Return tensor to random bytes for every input of a network; equal seeds and runs give equal bytes.

    `known` is the ranges of parameters (`loading.ranges`), for indices that are computed with them. With
    `integers`, all integers are that number. Inputs whose values are bound, or implied by declared
    sizes, have these. A number that is compared with known ones is each of these in turn, so that runs take
    one branch and the other.
    """
    draw = np.random.default_rng([seed, run])
    given: dict[int, tuple[Number, ...]] = dict(graph.values)
    ranges = index_ranges(graph, known)
    choices = compared_with(graph, known) if integers is None else {}
    if integers is None:
        given = {**implied_values(graph), **given}
    dividing = divisors(graph)
    content: dict[int, Bytes] = {}
    for t in graph.inputs:
        tensor = graph.tensors[t]
        if integers is not None and "int" in tensor.element:
            wanted = Range(integers, integers)
        elif t in dividing:
            wanted = Range(1, SMALL - 1).within(ranges.get(t, Range(1, SMALL - 1)))
        else:
            wanted = ranges.get(t)
        chosen = [n for n in choices.get(t, ()) if wanted is None or wanted.least <= n <= wanted.most]
        content[t] = _random(draw, tensor, wanted)
        if t in given:
            content[t] = _bound(tensor, given[t])
        elif run < len(chosen):
            content[t] = _bound(tensor, (chosen[run],))
    return content


def _bound(tensor: Tensor, elements: tuple[Number, ...]) -> Bytes:
    return as_bytes(np.array(elements).astype(tensor.element))


def input_called(graph: Graph, name: str) -> int:
    """Return the input with this name, or else at this position, counted from 0.

    Raises:
        OptionError: the network has no such input, or several of that name.
    """
    matches = [t for t in graph.inputs if graph.tensors[t].name == name]
    if not matches and name.isascii() and name.isdecimal() and int(name[:9]) < len(graph.inputs):
        return graph.inputs[int(name[:9])]
    if len(matches) == 1 and name:
        return matches[0]
    names = [graph.tensors[t].name for t in graph.inputs]
    if matches:
        places = " or ".join(str(place) for place, other in enumerate(names) if other == name)
        raise OptionError(f"--input {name}: name this input by its position, {places}")
    known = ", ".join(other or str(place) for place, other in enumerate(names))
    raise OptionError(f"--input {name}: the network has no such input; it has {known or 'none'}")


def _read(tensor: Tensor, name: str, path: Path) -> Bytes:
    """Return the bytes of an input from the user's .npy file; `name` is the input as the user named it.

    Raises:
        OptionError: the file does not hold a tensor of the input's type and shape.
    """
    try:
        value = cast("npt.NDArray[Any]", np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise OptionError(f"--input {name}: {path}: cannot be read as .npy: {error}") from error
    if value.dtype.name != tensor.element or value.shape != tensor.shape:
        raise OptionError(
            f"--input {name}: {path} holds {value.dtype.name}{list(value.shape)}, but the network takes "
            f"{tensor.element}{list(tensor.shape)}"
        )
    return as_bytes(value)


def as_bytes(value: npt.NDArray[Any]) -> Bytes:
    """Return a copy of the bytes of an array."""
    return np.frombuffer(value.tobytes(), np.uint8).copy()


def own_inputs(graph: Graph, files: Mapping[str, Path]) -> dict[int, Bytes]:
    """Return tensor to bytes of the inputs that the user gave as files, by name or position.

    Raises:
        OptionError: there is no such input, or two files for it, or a file has a wrong type, shape or value.
    """
    content: dict[int, Bytes] = {}
    for name, path in files.items():
        t = input_called(graph, name)
        if t in content:
            raise OptionError(f"--input {name}: this input has a file already")
        content[t] = _read(graph.tensors[t], name, path)
    for t, elements in graph.values:
        if t in content and not np.array_equal(content[t], _bound(graph.tensors[t], elements)):
            name = graph.tensors[t].name
            raise OptionError(f"--input {name}: the plan is for {name} = {_shown(elements)}; give that value")
    return content


def _shown(elements: tuple[int, ...]) -> str:
    return str(elements[0]) if len(elements) == 1 else f"[{', '.join(map(str, elements))}]"


def _random(draw: np.random.Generator, tensor: Tensor, wanted: Range | None) -> Bytes:
    """Return random bytes of a tensor: normal floats, small integers, and integers of the wanted range."""
    shape, element = tensor.shape, tensor.element
    if element == "bool":
        span = Range(0, 1).within(wanted or Range(0, 1))
        return as_bytes(draw.integers(span.least, span.most, shape, np.uint8, endpoint=True))
    if element in ("float16", "float32", "float64", "complex64", "complex128"):
        return as_bytes(_floats(draw, shape, wanted).astype(element))
    if element == "bfloat16":
        wide = _floats(draw, shape, wanted).astype(np.float32)
        return as_bytes((np.asarray(wide).view(np.uint32) >> 16).astype(np.uint16))
    if element in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"):
        numbers = np.iinfo(element)
        usual = Range(0, 127 if numbers.bits == 8 else SMALL - 1)
        span = Range(int(numbers.min), int(numbers.max)).within(wanted or usual)
        return as_bytes(draw.integers(span.least, span.most, shape, element, endpoint=True))
    return draw.integers(0, 64, tensor.size, np.uint8)


def _floats(
    draw: np.random.Generator, shape: tuple[int, ...], wanted: Range | None
) -> npt.NDArray[np.float64]:
    if wanted is None:
        return draw.standard_normal(shape)
    return draw.integers(wanted.least, wanted.most, shape, endpoint=True).astype(np.float64)
