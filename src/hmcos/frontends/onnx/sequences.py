"""The types of sequences and optionals whose parts are fixed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from onnx import TensorProto

from hmcos.frontends.onnx.types import ValueType

if TYPE_CHECKING:
    from hmcos.frontends.onnx.walking import Step

MOST_PARTS = 2**11
"""Most parts of a sequence; one with more is not counted."""


def sequence_types(step: Step) -> list[ValueType]:
    """Return the types of the outputs of a node that reads or makes sequences or optionals; [] if unknown."""
    found = SEQUENCE_KINDS[step.node.op_type](step)
    return [] if found is None else [found]


def _sequence(parts: tuple[ValueType, ...], element: int = 0) -> ValueType | None:
    if len(parts) > MOST_PARTS:
        return None
    return ValueType(parts[0].element if parts else element, kind="sequence", parts=parts)


def _construct(step: Step) -> ValueType | None:
    return _sequence(tuple(step.type_of(place) for place in range(len(step.node.input))))


def _empty(step: Step) -> ValueType | None:
    return _sequence((), step.attribute("dtype", TensorProto.FLOAT))


def _place(step: Step, position: int, many: int, default: int) -> int | None:
    """Return the place in a sequence that an input names, from 0 on; None if it is not known."""
    if len(step.node.input) <= position or not step.node.input[position]:
        return default
    number = step.number_of(position)
    if number is None or not -many <= number <= many:
        return None
    return number + many if number < 0 else number


def _insert(step: Step) -> ValueType | None:
    parts, new = step.type_of(0).parts, step.type_of(1)
    if parts is None:
        return None
    place = _place(step, 2, len(parts), len(parts))
    place = len(parts) if place is None else place  # the bytes are the same wherever it goes
    return _sequence((*parts[:place], new, *parts[place:]))


def _erase(step: Step) -> ValueType | None:
    first = step.type_of(0)
    if not first.parts:
        return None
    place = _place(step, 1, len(first.parts), len(first.parts) - 1)
    if place is None and len(set(first.parts)) == 1:
        place = 0
    if place is None or place >= len(first.parts):
        return None
    return _sequence((*first.parts[:place], *first.parts[place + 1 :]), first.element)


def _at(step: Step) -> ValueType | None:
    parts = step.type_of(0).parts
    if not parts:
        return None
    place = _place(step, 1, len(parts), 0)
    if place is not None and place < len(parts):
        return parts[place]
    return parts[0] if len(set(parts)) == 1 else None


def _length(step: Step) -> ValueType | None:
    del step
    return ValueType(TensorProto.INT64, ())


def _split(step: Step) -> ValueType | None:
    first, sizes = step.type_of(0), None
    axis = step.attribute("axis", 0)
    if (
        not first.is_known
        or not first.sizes
        or first.bounds
        or not -len(first.sizes) <= axis < len(first.sizes)
    ):
        return None
    axis %= len(first.sizes)
    whole, keep = first.sizes[axis], True
    if len(step.node.input) < 2 or not step.node.input[1]:
        sizes, keep = [1] * min(whole, MOST_PARTS + 1), bool(step.attribute("keepdims", 1))
    else:
        value = step.value_of(1)
        if value is None or value.marks is not None:
            return _parts_at_most(step, first, axis)
        numbers = [int(n) for n in value.array.ravel()]
        if value.array.ndim == 0 and numbers[0] > 0:
            each = numbers[0]
            if whole // each > MOST_PARTS:
                return None
            sizes = [each] * (whole // each) + ([whole % each] if whole % each else [])
        else:
            sizes = numbers
    if any(n < 0 for n in sizes):
        return None
    before, after = first.sizes[:axis], first.sizes[axis + 1 :]
    return _sequence(
        tuple(ValueType(first.element, (*before, *([n] if keep else []), *after)) for n in sizes),
        first.element,
    )


def _parts_at_most(step: Step, first: ValueType, axis: int) -> ValueType | None:
    """Return parts whose number is known or bound, each as large as the whole: where it is cut is unknown."""
    sizes, bound = step.type_of(1), step.walk.bind.get(f"{step.node.output[0]}:0")
    many = sizes.sizes[0] if sizes.is_known and sizes.sizes else bound
    if many is None or many > MOST_PARTS:
        return None
    most = step.walk.at_most(first.sizes[axis])
    part = ValueType(first.element, (*first.sizes[:axis], most, *first.sizes[axis + 1 :]))
    return _sequence((part,) * many, first.element)


def _concatenated(step: Step) -> ValueType | None:
    parts, axis = step.type_of(0).parts, step.attribute("axis", 0)
    if not parts or not all(part.is_known and part.parts is None for part in parts):
        return None
    rank, new = len(parts[0].sizes), step.attribute("new_axis", 0)
    if any(len(part.sizes) != rank for part in parts) or not -rank - new <= axis < rank + new:
        return None
    sizes = parts[0].sizes
    axis %= rank + new
    if new:
        return ValueType(parts[0].element, (*sizes[:axis], len(parts), *sizes[axis:]))
    joined = sum(part.sizes[axis] for part in parts)
    if any(part.bounds for part in parts):
        joined = step.walk.at_most(joined)
    return ValueType(parts[0].element, (*sizes[:axis], joined, *sizes[axis + 1 :]))


def _optional(step: Step) -> ValueType | None:
    if not step.node.input or not step.node.input[0]:
        declared = next((a.tp for a in step.node.attribute if a.name == "type"), None)
        if declared is None:
            return None
        inner = declared.tensor_type.elem_type or declared.sequence_type.elem_type.tensor_type.elem_type
        return ValueType(inner, kind="optional", parts=())
    held = step.type_of(0)
    return ValueType(held.element, kind="optional", parts=(held,))


def _element(step: Step) -> ValueType | None:
    first = step.type_of(0)
    if first.kind != "optional":
        return first if first.is_known else None
    return first.parts[0] if first.parts else None


def _has(step: Step) -> ValueType | None:
    del step
    return ValueType(TensorProto.BOOL, ())


def _identity(step: Step) -> ValueType | None:
    first = step.type_of(0)
    return None if first.kind == "tensor" else first


SEQUENCE_KINDS: dict[str, Callable[[Step], ValueType | None]] = {
    "ConcatFromSequence": _concatenated,
    "Identity": _identity,
    "Optional": _optional,
    "OptionalGetElement": _element,
    "OptionalHasElement": _has,
    "SequenceAt": _at,
    "SequenceConstruct": _construct,
    "SequenceEmpty": _empty,
    "SequenceErase": _erase,
    "SequenceInsert": _insert,
    "SequenceLength": _length,
    "SplitToSequence": _split,
}
"""Kinds that read or make sequences or optionals, to the rule for what they make."""
