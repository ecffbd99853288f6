"""Operators that pad by themselves what a Pad padded for them, with the same results."""

from __future__ import annotations

from collections.abc import Container, Mapping
from math import copysign, inf

from onnx import NodeProto, helper

from hmcos.frontends.onnx.folding import Array
from hmcos.frontends.onnx.message_fields import keep, reading
from hmcos.frontends.onnx.types import ValueType

ZERO_POINTS = {"Conv": None, "ConvInteger": 2, "QLinearConv": 2}
"""Kinds of convolutions to the input that says which number is zero."""


def with_padding(
    reader: NodeProto,
    pad: NodeProto,
    known: Mapping[str, Array],
    types: Mapping[str, ValueType],
    made: Container[str],
) -> NodeProto | None:
    """Return an operator that reads what a Pad reads, and pads that itself; None where it would not do.

    Args:
        reader: reads what the Pad makes.
        pad: the Pad.
        known: the values of parameters, by name.
        types: the types of tensors, by name.
        made: the names of what nodes make.
    """
    data = types.get(pad.input[0])
    if data is None:
        return None
    added, fill = _added(pad, known, data), _fill(pad, known)
    if added is not None and not any(added):
        # What is fed to the network may not be overwritten, but what the Pad made of it may.
        if pad.input[0] not in made:
            return None
        return reading(reader, pad.output[0], pad.input[0])
    if added is None or fill is None or reader.domain or list(reader.input).count(pad.output[0]) != 1:
        return None
    own = _own_pads(reader, len(added))
    if reader.input[0] != pad.output[0] or own is None or not _fits(reader, fill, known, own, added):
        return None
    changed = reading(reader, pad.output[0], pad.input[0])
    told = ("auto_pad", "pads", *(["count_include_pad"] if reader.op_type == "AveragePool" else []))
    keep(changed.attribute, [attribute.name not in told for attribute in changed.attribute])
    both = [a + b for a, b in zip(own, added, strict=True)]
    changed.attribute.append(helper.make_attribute("pads", both))
    if reader.op_type == "AveragePool":
        changed.attribute.append(helper.make_attribute("count_include_pad", 1))
    return changed


def _added(pad: NodeProto, known: Mapping[str, Array], data: ValueType) -> list[int] | None:
    """Return what a Pad adds before and behind rows, columns, ...; None where that is not all it does."""
    mode = next((a.s for a in pad.attribute if a.name == "mode"), b"constant")
    pads = known.get(pad.input[1]) if len(pad.input) > 1 else None
    rank = len(data.sizes)
    axes = list(range(rank))
    if len(pad.input) > 3 and pad.input[3]:
        if pad.input[3] not in known:
            return None
        axes = [int(axis) % rank for axis in known[pad.input[3]].ravel()]
    if mode != b"constant" or pads is None or pads.size != 2 * len(axes):
        return None
    found = [0] * (2 * rank)
    for i, axis in enumerate(axes):
        found[axis], found[rank + axis] = int(pads[i]), int(pads[len(axes) + i])
    begins, ends = found[:rank], found[rank:]
    if min(found) < 0 or any((*begins[:2], *ends[:2])):
        return None
    return begins[2:] + ends[2:]


def _fill(pad: NodeProto, known: Mapping[str, Array]) -> float | None:
    """Return the number that a Pad fills with; None where it is computed."""
    if len(pad.input) < 3 or not pad.input[2]:
        return 0.0
    value = known.get(pad.input[2])
    return float(value.ravel()[0]) if value is not None and value.size == 1 else None


def _own_pads(reader: NodeProto, sides: int) -> list[int] | None:
    """Return how an operator pads already; None where that depends on the size of what it reads."""
    attributes = {a.name: a for a in reader.attribute}
    auto = attributes["auto_pad"].s if "auto_pad" in attributes else b"NOTSET"
    if auto not in (b"NOTSET", b"VALID"):
        return None
    own = list(attributes["pads"].ints) if "pads" in attributes and auto == b"NOTSET" else [0] * sides
    return own if len(own) == sides else None


def _fits(
    reader: NodeProto, fill: float, known: Mapping[str, Array], own: list[int], added: list[int]
) -> bool:
    """Return whether an operator computes the same when it pads by itself."""
    if reader.op_type in ZERO_POINTS:
        return fill == _zero(reader, known) and not _is_negative_zero(fill)
    attributes = {a.name: a for a in reader.attribute}
    number = {name: a.i for name, a in attributes.items()}
    kernel = list(attributes["kernel_shape"].ints) if "kernel_shape" in attributes else []
    if number.get("ceil_mode", 0) or len(kernel) * 2 != len(added):
        return False
    if any(a + b >= k for a, b, k in zip(own, added, kernel * 2, strict=True)):
        return False  # runtimes refuse windows that see nothing but padding
    if reader.op_type == "AveragePool":
        counts_zeros = not any(own) or number.get("count_include_pad") == 1
        return counts_zeros and fill == 0 and not _is_negative_zero(fill)
    spread = list(attributes["dilations"].ints) if "dilations" in attributes else []
    return reader.op_type == "MaxPool" and fill == -inf and all(d == 1 for d in spread)


def _zero(reader: NodeProto, known: Mapping[str, Array]) -> float | None:
    """Return the number that a convolution pads with; None where it is computed."""
    place = ZERO_POINTS[reader.op_type]
    if place is None or len(reader.input) <= place or not reader.input[place]:
        return 0.0
    value = known.get(reader.input[place])
    return float(value.ravel()[0]) if value is not None and value.size == 1 else None


def _is_negative_zero(number: float) -> bool:
    return number == 0 and copysign(1.0, number) < 0
