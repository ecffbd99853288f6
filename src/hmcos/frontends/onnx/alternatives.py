"""Values of which only a run decides the number of axes, as behind an If whose branches differ in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product, zip_longest
from math import prod
from typing import TYPE_CHECKING

from hmcos.frontends.onnx.types import UNKNOWN, AtMost, ValueType

if TYPE_CHECKING:
    from hmcos.frontends.onnx.walking import Step, Walk

_MOST = 32
"""Most combinations of shapes for which one operator is looked at."""


def of_each(step: Step, rule: Callable[[Step], list[ValueType]]) -> list[ValueType]:
    """Return the types of a node's outputs by a rule, over all shapes that its inputs may have.

    Inputs of the same choice have their first shapes together, or their second ones, and so on.
    """
    uncertain = {name: value for name, value in step.reads().items() if value.alternatives}
    if not uncertain:
        return rule(step)
    many = {value.choice: len(value.alternatives) for value in uncertain.values()}
    if prod(many.values()) > _MOST:
        return [UNKNOWN] * len(step.node.output)
    found: list[list[ValueType]] = []
    for places in product(*map(range, many.values())):
        taken = dict(zip(many, places, strict=True))
        instead = {name: _plain(value, taken[value.choice]) for name, value in uncertain.items()}
        found.append(rule(replace(step, instead=instead)))
    choice = next(iter(many)) if len(many) == 1 else 0
    return [one_of(step.walk, made, choice) for made in zip_longest(*found, fillvalue=UNKNOWN)]


def one_of(walk: Walk, types: Sequence[ValueType], choice: int = 0) -> ValueType:
    """Return the type of a value that has one of some types, with a bound of every size.

    Types of different ranks stay side by side: what is made of the smaller one may be the larger one.
    `choice` numbers what decides between these types in this order; 0 if nothing else depends on it.
    """
    first = types[0]
    if any(value.element != first.element or value.kind != first.kind for value in types):
        return UNKNOWN
    if all(is_same(value, first) for value in types):
        return first
    if any(value.shape is None or value.parts is not None for value in types):
        return _sequence(walk, types)
    if any(not value.is_known for value in types):
        return ValueType(first.element, kind=first.kind)
    shapes = [shape for value in types for shape in value.alternatives or (value.sizes,)]
    if choice == 0 or len(shapes) != len(types):
        choice, shapes = 0, _by_rank(walk, shapes)
    if len({len(shape) for shape in shapes}) == 1:
        return ValueType(first.element, _either(walk, shapes), kind=first.kind, key=first.key)
    if not choice:
        walk.marks += 1
        choice = walk.marks
    largest = tuple(walk.at_most(int(n)) for n in max(shapes, key=prod))
    return replace(first, shape=largest, alternatives=tuple(shapes), choice=choice)


def is_same(one: ValueType, other: ValueType) -> bool:
    """Return whether two types are equal, and so are the bounds in them in every run."""
    if one != other or (one.parts is None) != (other.parts is None):
        return False
    if one.parts is not None and other.parts is not None:
        return all(is_same(*pair) for pair in zip(one.parts, other.parts, strict=True))
    shapes = zip(one.alternatives or (one.shape,), other.alternatives or (other.shape,), strict=True)
    return all(_marks(a) == _marks(b) for a, b in shapes)


def _marks(shape: Sequence[object] | None) -> list[int]:
    return [n.mark if isinstance(n, AtMost) else 0 for n in shape or ()]


def _plain(value: ValueType, place: int) -> ValueType:
    return replace(value, shape=value.alternatives[place], alternatives=(), choice=0)


def _by_rank(walk: Walk, shapes: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    ranks = dict.fromkeys(map(len, shapes))
    return [_either(walk, [shape for shape in shapes if len(shape) == rank]) for rank in ranks]


def _either(walk: Walk, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the largest of each size of shapes of the same rank, as a bound where they differ."""
    return tuple(
        sizes[0] if len(set(zip(sizes, _marks(sizes), strict=True))) == 1 else walk.at_most(max(sizes))
        for sizes in zip(*shapes, strict=True)
    )


def _sequence(walk: Walk, types: Sequence[ValueType]) -> ValueType:
    """Return the type of one of several sequences of equally many parts; unknown parts for all others.

    An optional counts as if it held something.
    """
    first = types[0]
    parts = [value.parts for value in types if value.parts is not None]
    missing = len(types) - len(parts)
    if first.kind == "optional":
        parts = [each for each in parts if each]
    if missing or len(set(map(len, parts))) != 1:
        return ValueType(first.element, kind=first.kind)
    joined = tuple(one_of(walk, each) for each in zip(*parts, strict=True))
    return replace(first, parts=joined)
