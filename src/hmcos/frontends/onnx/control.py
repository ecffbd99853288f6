"""The types that If, Loop, Scan and SequenceMap make, and those inside their bodies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from onnx import TensorProto

from hmcos.frontends.onnx.alternatives import is_same, of_each, one_of
from hmcos.frontends.onnx.sequences import MOST_PARTS
from hmcos.frontends.onnx.skeleton import NameScope
from hmcos.frontends.onnx.types import UNKNOWN, ValueType
from hmcos.graph.graph import body_path, operator_title

if TYPE_CHECKING:
    from hmcos.frontends.onnx.walking import Step

ITERATION = ValueType(TensorProto.INT64, ())
CONDITION = ValueType(TensorProto.BOOL, ())


def _bodies(step: Step) -> dict[str, NameScope]:
    """Return attribute to the scope of each body."""
    node = step.scope.listed.nodes[step.number]
    return {name: step.scope.inner[body_path(step.scope.path, step.number, name)] for name, _ in node.bodies}


def _enter(step: Step, body: NameScope, inputs: Sequence[ValueType]) -> list[ValueType]:
    """Follow a body with inputs of some types; return the types of its outputs."""
    types = step.walk.types[body.path]
    for value, given in zip(body.listed.inputs, inputs, strict=False):
        present = types.get(value.name, UNKNOWN)
        if given.is_known or not present.is_known:
            types[value.name] = given if given is not UNKNOWN else present
    step.walk.follow(body)
    return [body.find(value.name, step.walk.types) for value in body.listed.outputs]


def _title(step: Step) -> str:
    place = f" in {step.scope.path}" if step.scope.path else ""
    return f"{operator_title(step.number, step.node.op_type, step.node.name)}{place}"


def branch_types(step: Step) -> None:
    """Add what an If makes: of the branch that always runs, or else of the larger one."""
    bodies = _bodies(step)
    chosen = step.number_of(0)
    made = {name: _enter(step, body, ()) for name, body in bodies.items()}
    taken = "" if chosen is None else "then_branch" if chosen else "else_branch"
    if taken in made and len(made) == 2:
        other = next(name for name in made if name != taken)
        step.walk.dead.add(bodies[other].path)
        by = "sizes and bound values" if step.walk.given else "sizes"
        step.walk.notes.append(
            f"{_title(step)}: {by} decide its condition; {other} never runs and counts nothing"
        )
        step.tell(made[taken])
        return
    both = list(made.values())
    if len(both) == 2:
        step.walk.marks += 1
        choice = step.walk.marks
        step.tell([_larger(step, pair, choice) for pair in zip(*both, strict=False)])


def _larger(step: Step, pair: tuple[ValueType, ValueType], choice: int) -> ValueType:
    """Return the type of a value that is of one of two types, with a note if their shapes differ."""
    found = one_of(step.walk, pair, choice)
    if found.is_known and pair[0] != pair[1]:
        more = "; what is behind it counts as the one that makes more of it" if found.alternatives else ""
        step.walk.notes.append(
            f"{_title(step)}: its branches make different shapes; the larger one counts{more}"
        )
    return found


def loop_types(step: Step) -> None:
    """Add what a Loop makes: carried values keep their types or grow by parts, others are stacked."""
    body = next(iter(_bodies(step).values()), None)
    if body is None:
        return
    carried = [step.type_of(place) for place in range(2, len(step.node.input))]
    trips = step.number_of(0)
    made = _enter(step, body, [ITERATION, CONDITION, *carried])[1:]
    grown = [_grown(before, after, trips) for before, after in zip(carried, made, strict=False)]
    if any(g is not None for g in grown) and step.walk.followed < step.walk.most:
        inside = [b if g is None else g for b, g in zip(carried, grown, strict=True)]
        _forget(step, body)
        _enter(step, body, [ITERATION, CONDITION, *inside])
        carried, made = inside, [*inside, *made[len(inside) :]]
    carried, made, kept = _carried(step, body, (carried, made), trips)
    for value, before, after in zip(body.listed.inputs[2:], carried, kept, strict=False):
        if before.is_known and not after.is_known:
            step.walk.types[body.path][value.name] = ValueType(before.element, kind=before.kind)
    step.tell([*kept, *(_stacked(step, value, trips) for value in made[len(carried) :])])


_Types = list[ValueType]


def _carried(
    step: Step, body: NameScope, first: tuple[_Types, _Types], trips: int | None
) -> tuple[_Types, _Types, _Types]:
    """Return types for the carried values in every iteration, what the body makes of them, and the results.

    `first` are the types before the first iteration, and what the body makes of these. Sizes that change are
    bounds: the body is followed with them until it makes nothing larger, or as often as it runs at most.
    Those that still grow then are unknown.
    """
    carried, made = first
    rounds = 1
    while True:
        joined = [_joined(step, *pair) for pair in zip(carried, made, strict=False)]
        is_last = trips is not None and rounds >= trips
        if is_last or all(a is None or _is_alike(a, b) for a, b in zip(joined, carried, strict=False)):
            return carried, made, [UNKNOWN if value is None else value for value in joined]
        if step.walk.followed >= step.walk.most:
            pairs = zip(*first, strict=False)
            _forget(step, body)
            _enter(step, body, [ITERATION, CONDITION, *first[0]])
            return *first, [before if before == after else UNKNOWN for before, after in pairs]
        carried = [b if a is None else a for a, b in zip(joined, carried, strict=False)]
        _forget(step, body)
        made = _enter(step, body, [ITERATION, CONDITION, *carried])[1:]
        rounds += 1


def _joined(step: Step, before: ValueType, after: ValueType) -> ValueType | None:
    """Return the type of a value that is of one of two types; None if no bound of it can be given."""
    uncertain = before.alternatives or after.alternatives
    if is_same(before, after) if uncertain else before == after and before.bounds == after.bounds:
        return before
    if not before.is_known or not after.is_known or before.parts is not None or after.parts is not None:
        return before if before == after else None
    if before.element != after.element or len(before.sizes) != len(after.sizes):
        return None
    if before.alternatives or after.alternatives:
        return None
    pairs = zip(before.sizes, after.sizes, strict=True)
    shape = tuple(a if a == b and type(a) is type(b) else step.walk.at_most(max(a, b)) for a, b in pairs)
    return ValueType(before.element, shape)


def _is_alike(one: ValueType, other: ValueType) -> bool:
    """Return whether two types have the same sizes, and the same of them are bounds."""
    if one.shape is None or other.shape is None:
        return one == other
    return one == other and list(map(type, one.shape)) == list(map(type, other.shape))


def _forget(step: Step, body: NameScope) -> None:
    """Remove what is known of a body, to find it again."""
    walk = step.walk
    inside = {path for path in walk.types if path == body.path or path.startswith(f"{body.path}/")}
    for path in inside:
        walk.types[path].clear()
    walk.dead -= inside
    told = (f" in {body.path}:", f" in {body.path}/")
    walk.notes[:] = [note for note in walk.notes if not any(place in note for place in told)]


def _grown(before: ValueType, after: ValueType, trips: int | None) -> ValueType | None:
    """Return the type of a carried sequence after the last iteration, if each one adds the same parts."""
    if before == after or trips is None or before.parts is None or after.parts is None:
        return None
    added = after.parts[len(before.parts) :]
    many = len(before.parts) + trips * len(added)
    if after.parts[: len(before.parts)] != before.parts or trips < 0 or many > MOST_PARTS:
        return None
    return ValueType(after.element, kind=before.kind, parts=before.parts + added * trips)


def _stacked(step: Step, value: ValueType, trips: int | None) -> ValueType:
    if value.alternatives:
        return ValueType(value.element)
    if trips is None or value.shape is None:
        return ValueType(value.element, None if value.shape is None else (None, *value.shape))
    often = max(trips, 0)
    return ValueType(value.element, (often if _runs_out(step) else step.walk.at_most(often), *value.shape))


def _runs_out(step: Step) -> bool:
    """Return whether a Loop runs as often as its number of trips says, since its condition is always true."""
    body = next(iter(_bodies(step).values()))
    starts = len(step.node.input) < 2 or not step.node.input[1] or step.number_of(1) == 1
    if not starts or not body.listed.outputs or len(body.listed.inputs) < 2:
        return False
    name = body.listed.outputs[0].name
    values = step.walk.values.get(body.path, {})
    makers = {made: node for node in body.light.node for made in node.output}
    while name in makers and makers[name].op_type == "Identity" and name not in values:
        name = makers.pop(name).input[0]
    known = values.get(name)
    is_true = known is not None and known.marks is None and bool(known.array.all())
    return is_true or name == body.listed.inputs[1].name


def scan_types(step: Step) -> None:
    """Add what a Scan makes: states keep their types, scanned outputs are stacked (ONNX Scan-9)."""
    body = next(iter(_bodies(step).values()), None)
    lists = {a.name: list(a.ints) for a in step.node.attribute}
    scanned = step.attribute("num_scan_inputs", 0)
    given = [step.type_of(place) for place in range(len(step.node.input))]
    if body is None or step.opset < 9 or not 0 <= scanned <= len(given):
        if body is not None:
            step.walk.follow(body)
        return
    states = given[: len(given) - scanned]
    axes = lists.get("scan_input_axes") or [0] * scanned
    cut = [_cut(value, axis) for value, axis in zip(given[len(states) :], axes, strict=False)]
    length = next((n for _, n in cut if n is not None), None)
    made = _enter(step, body, [*states, *(value for value, _ in cut)])
    out_axes = lists.get("scan_output_axes") or [0] * len(made)
    stacked = [_put(v, length, axis) for v, axis in zip(made[len(states) :], out_axes, strict=False)]
    kept = [before if before == after else UNKNOWN for before, after in zip(states, made, strict=False)]
    step.tell([*kept, *stacked])


def _cut(value: ValueType, axis: int) -> tuple[ValueType, int | str | None]:
    if value.alternatives or not value.shape or not -len(value.shape) <= axis < len(value.shape):
        return ValueType(value.element), None
    axis %= len(value.shape)
    return ValueType(value.element, value.shape[:axis] + value.shape[axis + 1 :]), value.shape[axis]


def _put(value: ValueType, length: int | str | None, axis: int) -> ValueType:
    if value.shape is None or value.alternatives:
        return ValueType(value.element)
    axis %= len(value.shape) + 1
    return ValueType(value.element, (*value.shape[:axis], length, *value.shape[axis:]))


def map_types(step: Step) -> None:
    """Add what a SequenceMap makes: as many parts as it reads, if all of these are alike."""
    body = next(iter(_bodies(step).values()), None)
    first = step.type_of(0)
    if body is None or first.parts is None:
        return
    given = [step.type_of(place) for place in range(len(step.node.input))]
    if any(value.parts is not None and len(set(value.parts)) != 1 for value in given):
        return
    made = _enter(step, body, [value if value.parts is None else value.parts[0] for value in given])
    often = len(first.parts)
    step.tell(
        [ValueType(v.element, kind="sequence", parts=(v,) * often if v.is_known else None) for v in made]
    )


def attention_types(step: Step) -> None:
    """Add what a FlexAttention makes: its bodies change the scores, one of each query and key."""
    query, key = step.type_of(0), step.type_of(1)
    whole = query.is_known and key.is_known and not query.alternatives and not key.alternatives
    if whole and len(query.sizes) == len(key.sizes) == 4:
        scores = ValueType(query.element, (*query.sizes[:3], key.sizes[2]))
        for body in _bodies(step).values():
            _enter(step, body, [scores])
    step.tell(of_each(step, lambda each: each.inferred()))
