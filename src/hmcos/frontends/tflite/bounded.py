"""The sizes of tensors that depend on data: bounds, where an operator has some.

Source: the kernels of LiteRT that make their outputs dynamic, tensorflow/lite/kernels/topk_v2.cc and others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from hmcos.errors import OptionError
from hmcos.frontends.tflite.calls import calls_of, fed
from hmcos.frontends.tflite.operator_codes import kind_of
from hmcos.frontends.tflite.schema import ModelT, OperatorT, integers
from hmcos.frontends.tflite.sizes import (
    UNTOLD,
    InputSizes,
    Place,
    Shape,
    fix_shape,
    followed,
    has_data,
    known_shapes,
    open_axes,
    place_of,
)
from hmcos.graph.graph import Tensor

MOST_ROUNDS = 50
"""Most operators whose sizes depend on data: the runtime is asked once more for each."""


@dataclass(frozen=True, slots=True)
class _Step:
    """An operator of the main graph whose output sizes no runtime knows, and the shapes of what it reads."""

    model: ModelT
    number: int
    operator: OperatorT
    read: tuple[Shape | None, ...]
    """None where an input is left out."""
    known: Mapping[Place, Shape]

    def shape(self, place: int) -> Shape:
        """Return the shape of an input.

        Raises:
            LookupError: it is left out, so that there is no bound.
        """
        shape = self.read[place]
        if shape is None:
            raise LookupError
        return shape

    def declared(self, place: int) -> list[int]:
        """Return what the file says of an output, with -1 for what it leaves open."""
        tensors = (self.model.subgraphs or [])[0].tensors or []
        tensor = tensors[integers(self.operator.outputs)[place]]
        return integers(tensor.shapeSignature) or integers(tensor.shape)


def _top(step: _Step) -> list[Shape]:
    return [step.shape(0), step.shape(0)]


def _where(step: _Step) -> list[Shape]:
    shape = step.shape(0)
    return [(prod(shape), max(len(shape), 1))]


def _unique(step: _Step) -> list[Shape]:
    return [step.shape(0), step.shape(0)]


def _suppressed(step: _Step) -> list[Shape]:
    """Non-maximum suppression keeps at most all boxes."""
    boxes = step.shape(0)[0]
    outputs = len(integers(step.operator.outputs))
    return [*((boxes,) for _ in range(outputs - 1)), ()]


def _reshaped(step: _Step) -> list[Shape]:
    """If only one axis is open, it follows from the number of elements."""
    declared, elements = step.declared(0), prod(step.shape(0))
    rest = prod(n for n in declared if n >= 0)
    if declared.count(-1) != 1 or not rest or elements % rest:
        raise LookupError
    return [tuple(n if n >= 0 else elements // rest for n in declared)]


def _part(step: _Step) -> list[Shape]:
    """A part of a tensor of the same rank has at most its sizes."""
    declared, whole = step.declared(0), step.shape(0)
    if len(declared) != len(whole):
        raise LookupError
    return [tuple(n if n >= 0 else most for n, most in zip(declared, whole, strict=True))]


def _branches(step: _Step) -> list[Shape]:
    """An IF makes at most the larger of what its branches make."""
    graphs = step.model.subgraphs or []
    made = [
        [step.known[call.subgraph, t] for t in integers(graphs[call.subgraph].outputs)]
        for call in calls_of(step.model, step.number, step.operator)
    ]
    if any(len(one) != len(other) for one, other in zip(*made, strict=True)):
        raise LookupError
    return [tuple(map(max, one, other)) for one, other in zip(*made, strict=True)]


_RULES: dict[str, Callable[[_Step], list[Shape]]] = {
    "IF": _branches,
    "NON_MAX_SUPPRESSION_V4": _suppressed,
    "NON_MAX_SUPPRESSION_V5": _suppressed,
    "RESHAPE": _reshaped,
    "SLICE": _part,
    "STRIDED_SLICE": _part,
    "TOPK_V2": _top,
    "UNIQUE": _unique,
    "WHERE": _where,
}
"""Kind to the bounds of its outputs."""


def completed(
    model: ModelT,
    sizes: InputSizes,
    told: Mapping[str, Tensor],
    ask: Callable[[Mapping[int, Shape]], Mapping[str, Tensor]],
) -> Mapping[str, Tensor]:
    """Return what a runtime told, by `SUBGRAPH:TENSOR`, with bounds where sizes depend on data.

    The runtime knows nothing of what comes after an operator whose output it cannot know. So `ask` asks it
    again of a model in which the outputs that have bounds are fed.

    Raises:
        OptionError: a bound was given to a tensor whose size is known.
    """
    bounds: dict[int, Shape] = {}
    for _ in range(MOST_ROUNDS):
        more = _next(model, sizes, known_shapes(model, sizes, told))
        if not more:
            break
        bounds |= more
        again = ask(bounds)
        # The bodies of an operator that is left out now are not told again.
        told = {key: told[key] if UNTOLD in again[key].shape else again[key] for key in told}
    for t, axis in sizes.limits:
        if t not in bounds:
            raise OptionError(f"axis {axis} of tensor {t} cannot be bound: its size follows from the inputs")
    if not bounds:
        return told
    after = _after(model, bounds)
    return {
        key: replace(tensor, at_most=place in after and not _is_exact(model, place, tensor.shape))
        for key, place, tensor in ((key, place_of(key), tensor) for key, tensor in told.items())
    }


def _next(model: ModelT, sizes: InputSizes, known: Mapping[Place, Shape]) -> dict[int, Shape]:
    """Return the bounds of the first operator's outputs that are not known; none if it has no bounds."""
    main = (model.subgraphs or [])[0]
    for number, operator in enumerate(main.operators or []):
        if any((0, t) not in known for t in integers(operator.outputs)):
            return _bounds(_step(model, number, operator, known), sizes.limits)
    return {}


def _bounds(step: _Step, limits: Mapping[tuple[int, int], int]) -> dict[int, Shape]:
    """Return what is given for the outputs of an operator, or what its kind says; none if one has neither."""
    outputs = integers(step.operator.outputs)
    given = {
        t: tuple(limits.get((t, axis), n) for axis, n in enumerate(step.declared(place)))
        for place, t in enumerate(outputs)
    }
    if any(t in given for t, _ in limits):
        return given if all(n >= 0 for shape in given.values() for n in shape) else {}
    rule = _RULES.get(kind_of(step.model, step.number, step.operator)[0])
    try:
        return {} if rule is None else dict(zip(outputs, rule(step), strict=True))
    except (LookupError, ValueError):
        return {}


def _step(model: ModelT, number: int, operator: OperatorT, known: Mapping[Place, Shape]) -> _Step:
    tensors = (model.subgraphs or [])[0].tensors or []
    read = [
        tuple(integers(tensors[t].shape)) if t >= 0 and has_data(model, tensors[t]) else known.get((0, t))
        for t in integers(operator.inputs)
    ]
    return _Step(model, number, operator, tuple(read), known)


def _after(model: ModelT, bounds: Iterable[int]) -> set[Place]:
    """Return the tensors that have bounds, and those that are computed from them, also in bodies."""
    feeding, reached = list(fed(model)), {(0, t) for t in bounds}
    for number, graph in followed(model).items():  # callers first
        reached |= {
            (number, one.taken)
            for one in feeding
            if one.call.subgraph == number and (one.caller, one.given) in reached
        }
        for operator in graph.operators or []:
            if any((number, t) in reached for t in integers(operator.inputs)):
                reached |= {(number, t) for t in integers(operator.outputs)}
    return reached


def _is_exact(model: ModelT, place: Place, shape: Shape) -> bool:
    """Return whether the file says the size of a tensor, and it is what a runtime tells."""
    tensor = ((model.subgraphs or [])[place[0]].tensors or [])[place[1]]
    return not open_axes(tensor) and tuple(integers(tensor.shape)) == shape


def feed(model: ModelT, bounds: Mapping[int, Sequence[int]]) -> None:
    """Make the tensors that have bounds inputs of a model, and drop the operators that make them."""
    main = (model.subgraphs or [])[0]
    tensors = main.tensors or []
    for t, shape in bounds.items():
        fix_shape(tensors[t], shape)
    main.operators = [op for op in main.operators or [] if not set(integers(op.outputs)) <= set(bounds)]
    main.inputs = [*integers(main.inputs), *bounds]
