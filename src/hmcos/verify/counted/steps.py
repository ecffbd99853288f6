"""The steps of a plan as plain numbers; every recount walks along them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from hmcos.graph.graph import Graph
from hmcos.verify.counted.sharing_rules import SharingRules


@dataclass(frozen=True, slots=True)
class Step:
    """One operator that runs, with the numbers of the storages that it reads and makes."""

    number: int
    """The operator's number in the source."""
    title: str
    """The operator's name in messages."""
    name: str
    """The operator's name in a plan: its own, or its kind if it has none."""
    after: tuple[int, ...]
    """Numbers of the operators that it waits for, in the order of its reads; may repeat."""
    reads: tuple[int, ...]
    """No repeats."""
    makes: tuple[int, ...]
    output: int
    """The made storage that may overwrite another; -1 for none."""
    over: frozenset[int]
    """The storages that it may overwrite once they are no longer needed."""
    scratch: int
    makes_nothing: bool = False
    """Whether it has no outputs at all; a view has one, though it has no storage of its own."""

    def moves(self, run: Execution) -> bool:
        """Return whether it moves bytes: operators that only make views, or empty inner tensors, do not."""
        return self.makes_nothing or any(run.sizes[t] or t in run.outputs for t in self.makes)


@dataclass(frozen=True, slots=True)
class Execution:
    """All steps in order, and the storages that they use."""

    steps: tuple[Step, ...]
    sizes: Mapping[int, int]
    """Bytes per storage."""
    tensors: Mapping[int, tuple[int, ...]]
    """Per storage: the ids of its tensors, starting with the one it was made for; in a problem its number."""
    tensor_names: Mapping[int, str]
    """Name per tensor, as in the source; empty in a problem."""
    names: Mapping[int, str]
    """Name per storage, as in the plan."""
    inputs: tuple[int, ...]
    kept: frozenset[int]
    """Storages that are live to the end: outputs, and inputs that no operator reads."""
    outputs: frozenset[int]
    """Storages that the caller gets at the end."""
    unused: frozenset[int] = field(default_factory=frozenset[int])
    """Storages that a plan may count as scratch of their operator, because no operator reads them."""
    floor: int = 0
    """Bytes that the memory has at least, for what no operator uses."""


@dataclass(frozen=True, slots=True)
class CountedMoment:
    """The storages that come and go at one step."""

    step: Step
    new: tuple[int, ...]
    """Storages that take memory of their own while it runs, in addition to what is live already."""
    freed: tuple[int, ...]
    """Storages that are no longer needed after it."""
    left: tuple[int, ...]
    """Storages that it makes and that are live after it."""


def moments(run: Execution, steps: Sequence[Step]) -> Iterator[CountedMoment]:
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
        yield CountedMoment(step, new, freed, tuple(t for t in step.makes if readers.get(t) or t in run.kept))


def run_of_graph(
    graph: Graph, target_data: Mapping[str, object], body_scratch: Mapping[int, int], order: Sequence[int]
) -> Execution:
    """Return the steps of a network in a valid order, without operators that only compute parameters."""
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
                makes_nothing=not op.makes,
            )
        )
    read = {storage for step in steps for storage in step.reads}
    kept = {rules.storage[t] for t in (*graph.outputs, *graph.held) if t in rules.storage}
    return Execution(
        steps=tuple(steps),
        sizes={storage: rules.bytes_of(storage) for storage in inside},
        tensors={storage: tuple(tensors) for storage, tensors in inside.items()},
        tensor_names={t: graph.tensors[t].name for t in rules.storage},
        names={storage: graph.tensors[storage].name or f"tensor {storage}" for storage in inside},
        inputs=tuple(graph.inputs),
        kept=frozenset(kept | {t for t in graph.inputs if t not in read}),
        outputs=frozenset(kept),
        unused=frozenset(t for step in steps for t in step.makes if t not in rules.used),
        floor=rules.floor,
    )


def _before(graph: Graph, rules: SharingRules) -> dict[int, tuple[int, ...]]:
    """Return the operators that each operator waits for, without those that only compute parameters.

    A reader of a view waits for the operator that made the data and for the one that made the view. Random
    operators wait for the previous one in the source.
    """
    makers: dict[int, int] = {}
    waits_for: dict[int, tuple[int, ...]] = {}
    random: tuple[int, ...] = ()
    for op in graph.operators:
        if op.makes and all(graph.tensors[t].is_parameter for t in op.makes):
            continue
        waits: list[int] = []
        for t in op.reads:
            storage = rules.storage.get(t, t)
            waits += [makers[made] for made in dict.fromkeys((storage, t)) if made in makers]
        waits_for[op.number] = (*waits, *random) if op.is_random else tuple(waits)
        if op.is_random:
            random = (op.number,)
        makers.update((t, op.number) for t in op.makes if not graph.tensors[t].is_parameter)
    return waits_for


def run_of_instance(instance: Mapping[str, object], order: Sequence[int]) -> Execution:
    """Return the steps of a problem, a valid `hmcos-instance/1` object, in a valid order."""
    sizes = cast(list[int], instance["buffers"])
    operators = cast(list[Mapping[str, object]], instance["operators"])
    called = cast(list[str], instance.get("buffer_names", []))
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
                makes_nothing=not makes,
            )
        )
    read = {b for step in steps for b in step.reads}
    return Execution(
        steps=tuple(steps),
        sizes=dict(enumerate(sizes)),
        tensors={b: (b,) for b in range(len(sizes))},
        tensor_names=dict.fromkeys(range(len(sizes)), ""),
        names={b: (called[b] if called else "") or f"buffer {b}" for b in range(len(sizes))},
        inputs=inputs,
        kept=frozenset(cast(list[int], instance["kept"])) | {b for b in inputs if b not in read},
        outputs=frozenset(cast(list[int], instance["kept"])),
        floor=cast(int, instance.get("floor", 0)),
    )


def _ids(op: Mapping[str, object], key: str) -> list[int]:
    return cast(list[int], op.get(key, []))
