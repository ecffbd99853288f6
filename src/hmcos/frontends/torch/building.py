"""From what nodes did to a network: storages are its tensors, scheduled nodes its operators."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from torch.fx import GraphModule, Node
from torch.utils import _pytree as pytree

from hmcos.frontends.torch.kinds import kind_of, only_reads
from hmcos.frontends.torch.values import Observed, Seen
from hmcos.graph.builder import GraphBuilder
from hmcos.graph.graph import Body, Graph, Operator, Tensor


@dataclass(frozen=True)
class Traced:
    """A graph of torch.fx as a network, with the way back."""

    module: GraphModule
    graph: Graph
    operators: tuple[Node, ...]
    """The node of each operator of the network, by number."""
    prompt: frozenset[Node]
    """Nodes that are no operators and run as soon as they can: parts of results, questions of size, and views
    that nobody reads."""
    bodies: dict[tuple[int, str], Traced] = field(default_factory=dict[tuple[int, str], "Traced"])
    """The bodies of operators, by the number of the operator and the name of the body."""


@dataclass
class _Step:
    """A scheduled node: what it needs and makes."""

    seen: Seen
    reads: tuple[int, ...]
    """Storages."""
    after: set[int]
    """Operators that must run before it, besides those that make what it reads."""


def build(
    observed: Observed,
    *,
    parameters: Collection[str] = (),
    held: Collection[str] | None = None,
    free: bool = False,
    symbols: tuple[str, ...] = (),
) -> Traced:
    """Return what was observed as a network.

    Args:
        observed: what the nodes of the graph do.
        parameters: names of the placeholders that take no memory, such as weights.
        held: names of the placeholders that the caller holds to the end; None for all of them.
        free: whether no placeholder takes memory, as in a body, whose operator reads them.
        symbols: the symbolic sizes of the source.
    """
    return _Building(observed, parameters, held, free, GraphBuilder(symbols=symbols)).result()


class _Building:
    def __init__(
        self,
        observed: Observed,
        parameters: Collection[str],
        held: Collection[str] | None,
        free: bool,
        builder: GraphBuilder,
    ) -> None:
        self.observed, self.parameters, self.held, self.free = observed, parameters, held, free
        self.builder = builder
        self.tensor: dict[int, int] = {}
        """Storage to the tensor of the network that stands for it."""
        self.fed: set[int] = set()
        sources = [seen for seen in observed.nodes if seen.node.op in ("placeholder", "get_attr")]
        self.costless = {s for seen in sources if not self.counts(seen.node) for s in seen.value}
        """Storages of parameters, also where an input is a view of one."""
        self.bodies: dict[tuple[int, str], Traced] = {}
        self.steps = steps_of(observed)

    def result(self) -> Traced:
        """Return the network."""
        observed, builder = self.observed, self.builder
        for seen in observed.nodes:
            self.add_source(seen)
        needed = {other for step in self.steps for other in step.after}
        tokens: dict[int, int] = {}
        for number, step in enumerate(self.steps):
            builder.add_operator(self.operator(number, step, tokens, needs_token=number in needed))
        by_node = {seen.node: seen for seen in observed.nodes}
        for node in returned(observed.module):
            for storage in by_node[node].value:
                builder.add_output(self.tensor[storage])
        nodes = tuple(step.seen.node for step in self.steps)
        return Traced(observed.module, builder.build(), nodes, prompt_nodes(observed, nodes), self.bodies)

    def add_source(self, seen: Seen) -> None:
        """Add the storages that exist before the first operator runs."""
        node = seen.node
        if node.op not in ("placeholder", "get_attr"):
            return
        # An input that no node reads lives to the end, and what it shares its storage with does, too.
        held = self.counts(node) and (self.held is None or node.name in self.held or not node.users)
        for storage in seen.value:
            if storage not in self.tensor and storage not in self.costless:
                self.tensor[storage] = self.builder.add_input(self.described(storage))
                self.fed.add(self.tensor[storage])
            elif storage not in self.tensor:
                self.tensor[storage] = self.builder.add_parameter(self.described(storage), is_constant=False)
            if held and self.tensor[storage] in self.fed:
                self.builder.hold(self.tensor[storage])

    def counts(self, node: Node) -> bool:
        """Return whether a node is an input that takes memory."""
        return node.op == "placeholder" and not self.free and node.name not in self.parameters

    def described(self, storage: int) -> Tensor:
        """Return the tensor that stands for a storage."""
        stored = self.observed.storages[storage]
        return Tensor(stored.name, stored.element, stored.bits, stored.shape)

    def operator(self, number: int, step: _Step, tokens: dict[int, int], *, needs_token: bool) -> Operator:
        """Return a scheduled node as an operator; `tokens` are those of the operators before it."""
        seen, kind = step.seen, kind_of(step.seen.node, self.observed.module)
        inputs = [self.tensor[storage] for storage in step.reads] + [
            tokens[other] for other in sorted(step.after)
        ]
        outputs: list[int] = []
        for storage in seen.makes:
            self.tensor[storage] = self.builder.add_tensor(self.described(storage))
            outputs.append(self.tensor[storage])
        if needs_token:
            tokens[number] = self.builder.add_tensor(Tensor(f"after {seen.node.name}", "uint8", 8, (0,)))
            outputs.append(tokens[number])
        bodies: list[Body] = []
        for body in seen.bodies:
            traced = build(body.observed, free=True)
            self.bodies[number, body.name] = traced
            bodies.append(Body(body.name, traced.graph, body.held))
        return Operator(
            number=number,
            name=seen.node.name,
            kind=kind.name,
            domain=kind.domain,
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            bodies=tuple(bodies),
            is_random=seen.is_random or acts_on_the_world(seen),
            temporaries=seen.temporaries,
        )


def returned(module: GraphModule) -> list[Node]:
    """Return the nodes that a graph returns, in order, repeated ones as often as they are returned."""
    outputs = [node for node in module.graph.nodes if node.op == "output"]
    return [leaf for leaf in pytree.tree_leaves([node.args for node in outputs]) if isinstance(leaf, Node)]


def prompt_nodes(observed: Observed, operators: Sequence[Node]) -> frozenset[Node]:
    """Return the nodes that are no operators and run as soon as they can."""
    scheduled, prompt = set(operators), set[Node]()
    for seen in reversed(observed.nodes):
        node = seen.node
        if node.op in ("placeholder", "get_attr") or node in scheduled:
            continue
        if seen.is_part or seen.is_size or not node.users or any(user in prompt for user in node.users):
            prompt.add(node)
    return frozenset(prompt)


def acts_on_the_world(seen: Seen) -> bool:
    """Return whether a node is there for something other than its result, such as a message or a check."""
    return not (seen.value or seen.writes or seen.is_size or only_reads(seen.node))


def steps_of(observed: Observed) -> list[_Step]:
    """Return the nodes that are scheduled, with what each waits for, in the order of the graph."""
    unstable = frozenset[int]().union(*(seen.changes_layout for seen in observed.nodes))
    waits: dict[Node, frozenset[int]] = {}
    """Node to the operators that must have run before its value exists."""
    order = _WriteOrder()
    maker: dict[int, int] = {}
    state: int | None = None
    """The latest operator that changes the state: none of the others may cross it."""
    steps: list[_Step] = []
    for seen in observed.nodes:
        before = frozenset[int]().union(*(waits[node] for node in seen.node.all_input_nodes))
        if not is_scheduled(seen, unstable):
            waits[seen.node] = before
            continue
        number = len(steps)
        after = set(before) | order.after(number, seen)
        if seen.changes_the_state:
            after.update(range(state or 0, number))
            state = number
        elif state is not None:
            after.add(state)
        after -= {maker[storage] for storage in seen.reads if storage in maker}
        steps.append(_Step(seen, seen.reads, after))
        waits[seen.node] = frozenset({number})
        maker.update(dict.fromkeys(seen.makes, number))
    return steps


def is_scheduled(seen: Seen, unstable: Collection[int] = ()) -> bool:
    """Return whether a node is an operator; views, parts of results and questions of size are not.

    Those of unstable storages, whose sizes or strides a node changes in place, are.
    """
    node = seen.node
    if node.op in ("placeholder", "get_attr") or seen.is_part:
        return False
    if seen.is_size:
        return any(storage in unstable for storage in seen.reads)
    if seen.makes or seen.writes or seen.bodies or seen.is_random or not seen.value:
        return True
    return len(seen.reads) > 1 or any(storage in unstable for storage in seen.reads)


class _WriteOrder:
    """Which operators must run before others because one of them writes what the other reads or writes."""

    def __init__(self) -> None:
        self.writer: dict[int, int] = {}
        """Storage to the latest operator that writes it."""
        self.readers: dict[int, list[int]] = {}
        """Storage to the operators that read it since."""

    def after(self, number: int, seen: Seen) -> set[int]:
        """Return the operators that must run before a node, the next one in the order of the graph."""
        before: set[int] = set()
        for storage in {*seen.reads, *seen.writes}:
            if storage in self.writer:
                before.add(self.writer[storage])
            if storage in seen.writes:
                before.update(self.readers.pop(storage, []))
                self.writer[storage] = number
            else:
                self.readers.setdefault(storage, []).append(number)
        return before
