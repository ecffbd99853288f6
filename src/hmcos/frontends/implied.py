"""The values of inputs that the declared sizes of results imply: shapes, repeats, axes, numbers of elements.

A run with other values makes other sizes than the plan counts, or fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from math import prod

from hmcos.graph.graph import Graph, Operator

MOST = 64
"""Most elements of an input of which the value is implied."""
MOST_AXES = 8
"""Most axes of a tensor among which those that are reduced are looked for."""
Shape = tuple[int, ...]
Number = int | float
_Rule = Callable[[Shape, Shape, int], "Sequence[Number] | None"]
"""From the shapes of the first input and the first output of an operator, and the number of elements of
another input, to these elements."""


def implied_values(graph: Graph) -> dict[int, tuple[Number, ...]]:
    """Return the elements of inputs that operators read as a shape or the like, where sizes imply them.

    Bounds of sizes imply nothing.
    """
    found: dict[int, tuple[Number, ...]] = {}
    counts = {t: many for t in graph.inputs if (many := prod(graph.tensors[t].shape)) <= MOST}
    for op in graph.operators if counts else ():
        if op.domain or not op.makes or (first := op.input(0)) is None:
            continue
        read, made = graph.tensors[first], graph.tensors[op.makes[0]]
        if read.at_most or made.at_most:
            continue
        for position, rule in _RULES.get(op.kind, ()):
            t = op.input(position)
            elements = None if t not in counts else rule(read.shape, made.shape, counts[t])
            if t is not None and elements is not None and len(elements) == counts[t]:
                found.setdefault(t, tuple(elements))
        if op.kind == "Split":
            found |= _parts(graph, op, counts)
        if op.kind == "Slice":
            found |= _cuts(op, counts, read.shape, made.shape)
    return found


def _parts(graph: Graph, op: Operator, counts: Mapping[int, int]) -> dict[int, tuple[Number, ...]]:
    """Return the sizes of the parts that a Split makes."""
    read = graph.tensors[op.inputs[0] or 0].shape
    shapes = [graph.tensors[t].shape for t in op.makes]
    t = op.input(1)
    for axis in range(len(read)):
        sizes = tuple(shape[axis] for shape in shapes if len(shape) == len(read))
        if t in counts and t is not None and len(sizes) == counts[t] and sum(sizes) == read[axis]:
            return {t: sizes}
    return {}


def _cuts(op: Operator, counts: Mapping[int, int], read: Shape, made: Shape) -> dict[int, tuple[Number, ...]]:
    """Return what a Slice cuts, from the front and without steps, if all of that is fed or left out."""
    starts, ends, axes, steps = (op.input(position) for position in range(1, 5))
    known = [t for t in (starts, ends, axes, steps) if t is not None]
    if starts is None or ends is None or len(read) != len(made) or not all(t in counts for t in known):
        return {}
    many = counts[starts]
    chosen = _first_axes(read, made, many) if axes is not None else list(range(many))
    if any(counts[t] != many for t in known) or len(chosen) != many:
        return {}
    found: dict[int, tuple[Number, ...]] = {starts: (0,) * many, ends: tuple(made[a] for a in chosen)}
    found |= {} if axes is None else {axes: tuple(chosen)}
    return found | ({} if steps is None else {steps: (1,) * many})


def _first_axes(read: Shape, made: Shape, many: int) -> list[int]:
    """Return so many axes, ascending: those of which the sizes differ, and then the first others."""
    axes = sorted(range(len(read)), key=lambda axis: (read[axis] == made[axis], axis))
    return sorted(axes[:many])


def _as_made(read: Shape, made: Shape, many: int) -> Sequence[Number]:
    return made


def _reshaped(read: Shape, made: Shape, many: int) -> Sequence[Number] | None:
    """Return the shape; none with a size of 0, which may mean that the size of the input is kept."""
    return None if 0 in made else made


def _repeats(read: Shape, made: Shape, many: int) -> Sequence[Number] | None:
    if len(read) != len(made) or 0 in read:
        return None
    return [size // before for before, size in zip(read, made, strict=True)]


def _resized(read: Shape, made: Shape, many: int) -> Sequence[Number] | None:
    """Return the sizes of the axes that are resized."""
    return [made[axis] for axis in _first_axes(read, made, many)] if len(read) == len(made) else None


def _scales(read: Shape, made: Shape, many: int) -> Sequence[Number] | None:
    """Return scales of which the product with a size, rounded down, is the size that is made."""
    if len(read) != len(made) or 0 in read:
        return None
    pairs = [(read[axis], made[axis]) for axis in _first_axes(read, made, many)]
    return [n // before if n % before == 0 else (n + 0.25) / before for before, n in pairs]


def _grid(read: Shape, made: Shape, many: int) -> Sequence[Number]:
    """Return batch, channels, which do not matter, and the sizes of the image."""
    return [*made[:1], 1, *made[1:-1]]


def _depth(read: Shape, made: Shape, many: int) -> Sequence[Number]:
    """Return the one size that is new."""
    rest = list(made)
    for size in read:
        if size in rest:
            rest.remove(size)
    return rest


def _axes(read: Shape, made: Shape, many: int) -> Sequence[Number] | None:
    """Return the axes that are reduced: the first ones of which that makes this shape."""
    for axes in combinations(range(len(read)), many) if len(read) <= MOST_AXES else ():
        kept = tuple(1 if axis in axes else size for axis, size in enumerate(read))
        if made in (kept, tuple(size for axis, size in enumerate(read) if axis not in axes)):
            return axes
    return None


def _inserted(read: Shape, made: Shape, many: int) -> Sequence[Number] | None:
    """Return the axes of size 1 that are new, from the front."""
    axes = [axis for axis, size in enumerate(made) if size == 1][:many]
    rest = tuple(size for axis, size in enumerate(made) if axis not in axes)
    return axes if rest == read else None


def _squeezed(read: Shape, made: Shape, many: int) -> Sequence[Number] | None:
    return _inserted(made, read, many)


def _chosen(read: Shape, made: Shape, many: int) -> Sequence[Number] | None:
    """Return how many are chosen along the one axis whose size differs, or else the last one."""
    if len(read) != len(made) or not read:
        return None
    return [next((n for before, n in zip(read, made, strict=True) if before != n), made[-1])]


def _pads(read: Shape, made: Shape, many: int) -> Sequence[Number] | None:
    """Return a padding of the ends alone."""
    if len(read) != len(made):
        return None
    axes = _first_axes(read, made, many // 2)
    return [*(0 for _ in axes), *(made[axis] - read[axis] for axis in axes)]


_REDUCING = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")
_RULES: Mapping[str, tuple[tuple[int, _Rule], ...]] = {
    "AffineGrid": ((1, _grid),),
    "BlackmanWindow": ((0, _as_made),),
    "CenterCropPad": ((1, _resized),),
    "ConstantOfShape": ((0, _as_made),),
    "Expand": ((1, _as_made),),
    "HammingWindow": ((0, _as_made),),
    "HannWindow": ((0, _as_made),),
    "MaxUnpool": ((2, _as_made),),
    "OneHot": ((1, _depth),),
    "Pad": ((1, _pads),),
    "Reshape": ((1, _reshaped),),
    "Resize": ((2, _scales), (3, _resized)),
    "Squeeze": ((1, _squeezed),),
    "Tile": ((1, _repeats),),
    "TopK": ((1, _chosen),),
    "Unsqueeze": ((1, _inserted),),
    "Upsample": ((1, _scales),),
    **{f"Reduce{name}": ((1, _axes),) for name in _REDUCING},
    "BROADCAST_TO": ((1, _as_made),),
    "FILL": ((0, _as_made),),
    "RESHAPE": ((1, _reshaped),),
    "TILE": ((1, _repeats),),
}
"""Kind, of ONNX or TensorFlow Lite, to the positions of inputs and how their elements follow from sizes."""
