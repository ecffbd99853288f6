"""Operators of which onnx's inference is wrong, and what they make.

ONNX Runtime makes of them what these rules say (seen with onnx 1.23 and ONNX Runtime 1.32):

* Einsum: onnx takes a size from the first term that has the letter; a size of 1 there may be broadcast;
* pooling with ceil_mode: a window that would begin behind the input and its first padding is left out;
* ConvTranspose with an output_shape that is smaller than the input: onnx forgets the image;
* Resize and Upsample: the product of size and scale is one of 32-bit floats, and may round up to a whole;
* NonZero of a single number: its place has one row, not none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from onnx import NodeProto, TensorProto

from hmcos.frontends.onnx.folding import Array, array_of
from hmcos.frontends.onnx.skeleton import EQUATION, OPAQUE_DOMAIN, NameScope
from hmcos.frontends.onnx.types import AtMost, ValueType
from hmcos.graph.kinds import STANDARD_DOMAINS

if TYPE_CHECKING:
    from hmcos.frontends.onnx.walking import Step, Types

Shape = tuple[int, ...]
_Rule = Callable[[NodeProto, Sequence[ValueType], Callable[[int], Array | None]], Shape | None]
"""From an operator, the types of its inputs and what finds the value of one, to the shape that it makes."""


def hides_wrong(scopes: Sequence[NameScope], types: Types) -> bool:
    """Return whether inference was wrong; then hide all operators of these kinds from it.

    Their types are found by `types` when the model is followed.
    """
    doubtful = [(scope, node) for scope in scopes for node in scope.light.node if node.op_type in CORRECTED]
    if not any(_is_wrong(scope, node, types) for scope, node in doubtful):
        return False
    for _, node in doubtful:
        if node.domain in STANDARD_DOMAINS:
            node.domain = OPAQUE_DOMAIN
    return True


def _is_wrong(scope: NameScope, node: NodeProto, types: Types) -> bool:
    made = types[scope.path].get(node.output[0]) if node.output else None
    if node.domain not in STANDARD_DOMAINS or made is None or made.shape is None:
        return False
    reads = [scope.find(name, types) for name in node.input]
    if not all(read.is_known for name, read in zip(node.input, reads, strict=True) if name):
        return made.is_known  # it may have followed from the first term of an Einsum
    right = CORRECTED[node.op_type](node, reads, lambda place: _stored(scope, node.input[place]))
    return right is not None and (len(right) != len(made.shape) or _differ(right, made))


def _differ(right: Shape, made: ValueType) -> bool:
    return any(isinstance(n, int) and n != m for n, m in zip(made.shape or (), right, strict=True))


def _stored(scope: NameScope, name: str) -> Array | None:
    tensors = (tensor for tensor in scope.light.initializer if tensor.name == name)
    constants = (
        attribute.t
        for node in scope.light.node
        if node.op_type == "Constant" and node.output and node.output[0] == name
        for attribute in node.attribute
        if attribute.HasField("t")
    )
    found = next(tensors, None) or next(constants, None)
    return None if found is None else array_of(found)


def corrected_types(step: Step) -> list[ValueType]:
    """Return the types of the outputs of an operator of such a kind; [] where inference is right."""
    first, rule = step.type_of(0), CORRECTED.get(step.node.op_type)
    if rule is None or not first.is_known or first.parts is not None:
        return []
    reads = [step.type_of(place) for place in range(len(step.node.input))]
    shape = rule(step.node, reads, lambda place: _exact(step, place))
    if shape is None:
        return []
    bounded = any(value.bounds for value in reads) or step.node.op_type == "NonZero"
    if bounded:
        kept = set(first.sizes[:2]) if step.node.op_type in _POOLS else set[int]()
        shape = tuple(n if n in kept and isinstance(n, AtMost) else step.walk.at_most(n) for n in shape)
    element = TensorProto.INT64 if step.node.op_type == "NonZero" else first.element
    return [ValueType(element, shape), ValueType(TensorProto.INT64, shape)]


def _exact(step: Step, place: int) -> Array | None:
    value = step.value_of(place)
    return None if value is None or value.marks is not None else value.array


def _integers(node: NodeProto, name: str, default: Sequence[int] = ()) -> list[int]:
    return next((list(a.ints) for a in node.attribute if a.name == name), list(default))


def _text(node: NodeProto, name: str) -> bytes:
    return next((a.s for a in node.attribute if a.name == name), b"")


def _number(node: NodeProto, name: str, default: int) -> int:
    return next((a.i for a in node.attribute if a.name == name), default)


def _pooled(node: NodeProto, reads: Sequence[ValueType], value: object) -> Shape | None:
    """Pooling with ceil_mode (ONNX MaxPool-22, as PyTorch has it)."""
    del value
    batch, channels, *image = reads[0].sizes if len(reads[0].sizes) > 2 else (0, 0)
    kernel = _integers(node, "kernel_shape")
    same = _text(node, "auto_pad") in (b"SAME_UPPER", b"SAME_LOWER")
    if not image or not _number(node, "ceil_mode", 0) or same or len(kernel) != len(image):
        return None
    ones = [1] * len(image)
    strides, steps = _integers(node, "strides", ones), _integers(node, "dilations", ones)
    pads = _integers(node, "pads", [0] * 2 * len(image))
    if _text(node, "auto_pad") == b"VALID":
        pads = [0] * 2 * len(image)
    if len(strides) != len(image) or len(steps) != len(image) or len(pads) != 2 * len(image):
        return None
    made: list[int] = []
    for axis, n in enumerate(image):
        before, stride = pads[axis], strides[axis]
        room = n + before + pads[axis + len(image)] - (kernel[axis] - 1) * steps[axis] - 1
        if stride < 1 or room < 0:
            return None
        often = -(-room // stride) + 1
        made.append(often - 1 if (often - 1) * stride >= n + before else often)
    return (batch, channels, *made)


def _einsum(node: NodeProto, reads: Sequence[ValueType], value: object) -> Shape | None:
    """Einsum (numpy.einsum): each letter has the largest size that it stands for."""
    del value
    equation = _text(node, "equation").replace(b" ", b"")
    if not EQUATION.fullmatch(equation) or not all(read.is_known for read in reads):
        return None
    left, arrow, right = equation.decode().partition("->")
    terms = left.split(",")
    if len(terms) != len(reads):
        return None
    sizes: dict[str, int] = {}
    dots: list[int] = []
    for term, read in zip(terms, reads, strict=True):
        letters, wide = term.replace("...", "."), len(read.sizes) - len(term.replace("...", ""))
        if letters.count(".") > 1 or wide < 0 or (wide and "." not in letters):
            return None
        place = letters.find(".") if "." in letters else len(letters)
        names = [*letters[:place], *(f".{k - wide}" for k in range(wide)), *letters[place + 1 :]]
        dots.append(wide)
        for name, size in zip(names, read.sizes, strict=True):
            if size != sizes.get(name, size) and 1 not in (size, sizes[name]):
                return None
            sizes[name] = max(int(size), sizes.get(name, 1)) if size else 0
    if not arrow:
        often = Counter(left.replace("...", "").replace(",", ""))
        right = ("..." if "..." in left else "") + "".join(sorted(n for n in often if often[n] == 1))
    common = [f".{k - max(dots)}" for k in range(max(dots))]
    made = [name for part in right.replace("...", ".") for name in (common if part == "." else [part])]
    return tuple(sizes[name] for name in made) if all(name in sizes for name in made) else None


def _deconvolved(node: NodeProto, reads: Sequence[ValueType], value: object) -> Shape | None:
    """ConvTranspose whose output_shape is given, for the image or for all axes."""
    del value
    image, wanted = len(reads[0].sizes) - 2, _integers(node, "output_shape")
    weights = reads[1] if len(reads) > 1 else reads[0]
    if not wanted or image < 1 or len(wanted) not in (image, image + 2) or len(weights.shape or ()) < 2:
        return None
    if not weights.is_known or min(wanted) < 0:
        return None
    return (reads[0].sizes[0], weights.sizes[1] * max(_number(node, "group", 1), 1), *wanted[-image:])


def _scaled(
    node: NodeProto, reads: Sequence[ValueType], value: Callable[[int], Array | None]
) -> Shape | None:
    """Resize and Upsample by known scales."""
    place = 1 if node.op_type == "Upsample" or len(node.input) == 2 else 2
    if _text(node, "coordinate_transformation_mode") == b"tf_crop_and_resize" or _number(node, "axes", 0):
        return None
    if len(node.input) <= place or not node.input[place] or (len(node.input) > 3 and node.input[3]):
        return None
    scales = value(place)
    sizes = reads[0].sizes
    axes = [axis % max(len(sizes), 1) for axis in _integers(node, "axes", range(len(sizes)))]
    if scales is None or scales.size != len(axes) or scales.dtype != np.float32:
        return None
    made = list(map(int, sizes))
    for axis, scale in zip(axes, scales.ravel(), strict=True):
        product = np.float32(made[axis]) * np.float32(scale)
        if not 0 <= product < 2**62:
            return None
        made[axis] = int(product)
    return tuple(made)


def _found(node: NodeProto, reads: Sequence[ValueType], value: object) -> Shape | None:
    """NonZero of a single number: at most one."""
    del node, value
    return (1, 1) if reads[0].shape == () else None


_POOLS = frozenset(("AveragePool", "LpPool", "MaxPool"))
CORRECTED: Mapping[str, _Rule] = {
    **dict.fromkeys(_POOLS, _pooled),
    "ConvTranspose": _deconvolved,
    "Einsum": _einsum,
    "NonZero": _found,
    "Resize": _scaled,
    "Upsample": _scaled,
}
"""Kind to the rule for the shape that it makes: None where inference is right, or too little is known."""
