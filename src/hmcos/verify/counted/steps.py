"""What runs when a plan is followed, as plain numbers: every recount walks along these steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from hmcos.graph.graph import Graph
from hmcos.verify.counted.sharing_rules import SharingRules


@dataclass(frozen=True, slots=True)
class Step:
    """One operator that runs: what it reads and makes, as numbers of storages."""

    number: int
    """Of the operator, in the source."""
    title: str
    """How an error calls the operator."""
    name: str
    """How a plan calls the operator: its name, or its kind if it has none."""
    after: tuple[int, ...]
    """Numbers of the operators that it waits for, as it reads what they make; perhaps repeated."""
    reads: tuple[int, ...]
    """No repeats."""
    makes: tuple[int, ...]
    output: int
    """The one that may be written over something; -1 for none."""
    over: frozenset[int]
    """What it may be written over, if nobody needs that any more."""
    scratch: int


@dataclass(frozen=True, slots=True)
class Execution:
    """All that runs, in order, and what it is about."""

    steps: tuple[Step, ...]
    sizes: Mapping[int, int]
    """Bytes per storage."""
    tensors: Mapping[int, tuple[int, ...]]
    """Ids of the tensors per storage, the one that it was made for first; in a problem its own number."""
    tensor_names: Mapping[int, str]
    """Name per tensor, as in the source; in a problem they are empty."""
    names: Mapping[int, str]
    """What the plan calls a storage."""
    inputs: tuple[int, ...]
    kept: frozenset[int]
    """Storages that are live to the end: those of outputs, and inputs that nobody reads."""
    unused: frozenset[int] = field(default_factory=frozenset[int])
    """Storages that a plan may count into the scratch of their operator, because nobody reads them."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One step as it is taken."""

    step: Step
    new: tuple[int, ...]
    """Storages that take memory of their own while it runs, beside what is live already."""
    freed: tuple[int, ...]
    """Storages that nobody needs after it."""
    left: tuple[int, ...]
    """Those it makes that are live after it."""


def moments(run: Execution, steps: Sequence[Step]) -> Iterator[Moment]:
    """Yield what each step of a run adds and frees, in any valid order (memory model, When it is counted)."""
    readers: dict[int, int] = {}
    for step in steps:
        for storage in step.reads:
            readers[storage] = readers.get(storage, 0) + 1
    for step in steps:
        for storage in step.reads:
            readers[storage] -= 1
        freed = tuple(t for t in step.reads if not readers[t] and t not in run.kept)
        needed = run.sizes.get(step.output, 0)
        in_place = any(t in step.over and run.sizes[t] >= needed for t in freed)
        new = tuple(t for t in step.makes if not (in_place and t == step.output))
        yield Moment(step, new, freed, tuple(t for t in step.makes if readers.get(t) or t in run.kept))


def run_of_graph(
    graph: Graph, target_data: Mapping[str, object], body_scratch: Mapping[int, int], order: Sequence[int]
) -> Execution:
    """Return what runs when a network runs in a valid order: parameter-only operators are left out."""
    rules = SharingRules(graph, target_data)
    inside: dict[int, list[int]] = {}
    for t, storage in rules.storage.items():
        inside.setdefault(storage, [storage]).extend([t] if t != storage else [])
    before = _before(graph, rules)
    steps: list[Step] = []
    for number in order:
        if number not in before:
            continue
        op = graph.operators[number]
        output, over = rules.overwrites(op)
        steps.append(
            Step(
                number=number,
                title=op.title,
                name=op.name or op.kind,
                after=before[number],
                reads=tuple(dict.fromkeys(rules.storage[t] for t in op.reads if t in rules.storage)),
                makes=tuple(rules.allocated(op)),
                output=output,
                over=frozenset(over),
                scratch=rules.scratch_of(op, body_scratch.get(number, 0)),
            )
        )
    read = {storage for step in steps for storage in step.reads}
    kept = {rules.storage[t] for t in graph.outputs if t in rules.storage}
    return Execution(
        steps=tuple(steps),
        sizes={storage: rules.bytes_of(storage) for storage in inside},
        tensors={storage: tuple(tensors) for storage, tensors in inside.items()},
        tensor_names={t: graph.tensors[t].name for t in rules.storage},
        names={storage: graph.tensors[storage].name or f"tensor {storage}" for storage in inside},
        inputs=tuple(graph.inputs),
        kept=frozenset(kept | {t for t in graph.inputs if t not in read}),
        unused=frozenset(t for step in steps for t in step.makes if t not in rules.used),
    )


def _before(graph: Graph, rules: SharingRules) -> dict[int, tuple[int, ...]]:
    """Return, for all operators but those that only compute parameters, which others each waits for.

    What a view shows was made by one operator, and the view itself is another. Random operators wait for
    the one before them in the source.
    """
    makers: dict[int, int] = {}
    found: dict[int, tuple[int, ...]] = {}
    random: tuple[int, ...] = ()
    for op in graph.operators:
        if op.makes and all(graph.tensors[t].is_parameter for t in op.makes):
            continue
        waits: list[int] = []
        for t in op.reads:
            storage = rules.storage.get(t, t)
            waits += [makers[made] for made in dict.fromkeys((storage, t)) if made in makers]
        found[op.number] = (*waits, *random) if op.is_random else tuple(waits)
        if op.is_random:
            random = (op.number,)
        makers.update((t, op.number) for t in op.makes if not graph.tensors[t].is_parameter)
    return found


def run_of_instance(instance: Mapping[str, object], order: Sequence[int]) -> Execution:
    """Return what runs when a problem, a valid `hmcos-instance/1` object, runs in a valid order."""
    sizes = cast(list[int], instance["buffers"])
    operators = cast(list[Mapping[str, object]], instance["operators"])
    inputs = tuple(cast(list[int], instance["inputs"]))
    maker = {b: number for number, op in enumerate(operators) for b in _ids(op, "makes")}
    steps: list[Step] = []
    for number in order:
        op, makes = operators[number], _ids(operators[number], "makes")
        steps.append(
            Step(
                number=number,
                title=f"operator {number} ({op['name']!r})",
                name=str(op["name"]),
                after=tuple(maker[b] for b in _ids(op, "reads") if b in maker),
                reads=tuple(_ids(op, "reads")),
                makes=tuple(makes),
                output=next((b for b in makes if sizes[b]), -1),
                over=frozenset(_ids(op, "may_overwrite")),
                scratch=cast(int, op.get("scratch", 0)),
            )
        )
    read = {b for step in steps for b in step.reads}
    return Execution(
        steps=tuple(steps),
        sizes=dict(enumerate(sizes)),
        tensors={b: (b,) for b in range(len(sizes))},
        tensor_names=dict.fromkeys(range(len(sizes)), ""),
        names={b: f"buffer {b}" for b in range(len(sizes))},
        inputs=inputs,
        kept=frozenset(cast(list[int], instance["kept"])) | {b for b in inputs if b not in read},
    )


def _ids(op: Mapping[str, object], key: str) -> list[int]:
    return cast(list[int], op.get(key, []))
