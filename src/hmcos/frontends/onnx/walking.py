"""Follow types and values through a model node by node, where inference of the whole model leaves gaps.

One type that cannot be determined leaves the others as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from onnx import NodeProto, OperatorSetIdProto

from hmcos.frontends.onnx.alternatives import of_each
from hmcos.frontends.onnx.bounded_sizes import DATA_KINDS, data_types, rising_types
from hmcos.frontends.onnx.corrected_kinds import CORRECTED, corrected_types
from hmcos.frontends.onnx.extension_kinds import EXTENSION_DOMAINS
from hmcos.frontends.onnx.folding import Array, array_of, is_small
from hmcos.frontends.onnx.one_node import inferred
from hmcos.frontends.onnx.sequences import SEQUENCE_KINDS, sequence_types
from hmcos.frontends.onnx.skeleton import OPAQUE_DOMAIN, UNTYPED_CRASHES, NameScope
from hmcos.frontends.onnx.tracking import Value, followed
from hmcos.frontends.onnx.types import UNKNOWN, AtMost, ValueType
from hmcos.frontends.onnx.uninferred_kinds import opaque_types, uninferred_types
from hmcos.graph.kinds import STANDARD_DOMAINS
from hmcos.registry import imported

RULES: Mapping[str, str] = {
    "com.microsoft": "hmcos.frontends.onnx.runtime_kinds:types",
    "ai.onnx.ml": "hmcos.frontends.onnx.ml_kinds:types",
    **dict.fromkeys(EXTENSION_DOMAINS, "hmcos.frontends.onnx.extension_kinds:types"),
}
"""Domain to the rules for the types of its operators, imported on demand."""
BODY_KINDS: Mapping[str, str] = {
    "If": "hmcos.frontends.onnx.control:branch_types",
    "Loop": "hmcos.frontends.onnx.control:loop_types",
    "Scan": "hmcos.frontends.onnx.control:scan_types",
    "SequenceMap": "hmcos.frontends.onnx.control:map_types",
    "ai.onnx.preview:FlexAttention": "hmcos.frontends.onnx.control:attention_types",
}
"""Kind with bodies to the rule for the types of its outputs, which also follows the bodies."""

Types = dict[str, dict[str, ValueType]]
"""Path of a graph (empty for the main one) to name to type."""


@dataclass
class Walk:
    """What is known of a model while its nodes are followed."""

    opsets: Sequence[OperatorSetIdProto]
    types: Types
    bind: Mapping[str, int]
    given: Mapping[str, Array]
    """The values of inputs that are the same in every run."""
    values: dict[str, dict[str, Value]] = field(default_factory=dict[str, dict[str, Value]])
    """Small known values, by path and name."""
    made: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Names that a graph has so far, by path."""
    notes: list[str] = field(default_factory=list[str])
    dead: set[str] = field(default_factory=set[str])
    """Paths of bodies that never run."""
    most: int = 0
    """Most nodes that are followed before loops are no longer followed twice: each level doubles them."""
    followed: int = 0
    """The number of nodes that were followed, those of bodies each time."""
    marks: int = 0
    """The number of sizes of which only a bound is known."""

    def at_most(self, size: int, like: AtMost | None = None) -> AtMost:
        """Return a new bound for a size, or one for a size that equals another."""
        if like is None:
            self.marks += 1
        return AtMost(size, self.marks if like is None else like.mark)

    def follow(self, scope: NameScope) -> None:
        """Add what is known of a graph's nodes, in their order, to types and values."""
        values = self.values[scope.path] = {}
        made = self.made[scope.path] = {value.name for value in scope.listed.inputs}
        made.update(scope.parameters)
        if scope.outer is None:
            values.update((name, Value(array)) for name, array in self.given.items())
        for tensor in scope.light.initializer:
            array = array_of(tensor)
            if array is not None and is_small(array):
                values[tensor.name] = Value(array)
        self.followed += len(scope.light.node)
        for number, node in enumerate(scope.light.node):
            if not self._hides(scope, node):
                Step(self, scope, number, node).follow()
            made.update(node.output)

    def _hides(self, scope: NameScope, node: NodeProto) -> bool:
        """Return whether a node of a body makes a name of a tensor around it, which `read_graph` refuses."""
        outer = scope.outer
        while outer is not None:
            if any(name and name in self.made[outer.path] for name in node.output):
                return True
            outer = outer.outer
        return False


@dataclass(frozen=True, slots=True)
class Step:
    """One node of a graph that is followed."""

    walk: Walk
    scope: NameScope
    number: int
    node: NodeProto
    instead: Mapping[str, ValueType] = field(default_factory=dict[str, ValueType])
    """Types of inputs, by name, that are looked at instead of those that were found."""

    @property
    def types(self) -> dict[str, ValueType]:
        """The types of the node's graph."""
        return self.walk.types[self.scope.path]

    def type_of(self, position: int) -> ValueType:
        """Return the type of an input; UNKNOWN where it is left out."""
        name = self.node.input[position] if position < len(self.node.input) else ""
        return self._type(name) if name else UNKNOWN

    def reads(self) -> dict[str, ValueType]:
        """Return the types of the inputs by name."""
        return {name: self._type(name) for name in self.node.input if name}

    def _type(self, name: str) -> ValueType:
        return self.instead[name] if name in self.instead else self.scope.find(name, self.walk.types)

    @property
    def reads_tensors(self) -> bool:
        """Whether no input is a sequence, an optional or a map."""
        return all(value.kind == "tensor" for value in self.reads().values())

    def value_of(self, position: int) -> Value | None:
        """Return the known value of an input."""
        return self._value(self.node.input[position]) if position < len(self.node.input) else None

    def number_of(self, position: int) -> int | None:
        """Return the exact whole number that an input is known to be."""
        value = self.value_of(position)
        is_one = value is not None and value.marks is None and value.array.size == 1
        return int(value.array.ravel()[0]) if value is not None and is_one else None

    @property
    def opset(self) -> int:
        """The version of ONNX's standard operator set."""
        return max((e.version for e in self.walk.opsets if e.domain in STANDARD_DOMAINS), default=1)

    def attribute(self, name: str, default: int) -> int:
        """Return an integer attribute."""
        return next((a.i for a in self.node.attribute if a.name == name), default)

    def _value(self, name: str) -> Value | None:
        here: NameScope | None = self.scope
        while here is not None and name:
            found = self.walk.values.get(here.path, {}).get(name)
            if found is not None or name in self.walk.types[here.path] or name in here.parameters:
                return found
            here = here.outer
        return None

    def follow(self) -> None:
        """Add the node's outputs to types and values."""
        node, types = self.node, self.types
        is_known = all(name in types and types[name].is_known for name in node.output if name)
        kind = node.op_type if node.domain in STANDARD_DOMAINS else f"{node.domain}:{node.op_type}"
        if kind in BODY_KINDS and self.scope.listed.nodes[self.number].bodies:
            imported(BODY_KINDS[kind])(self)  # pyright: ignore
        elif not is_known:
            self.tell(of_each(self, Step._determined))
        self._finish()
        self._evaluate()

    def tell(self, found: Sequence[ValueType]) -> None:
        """Add types of outputs, in order, where they say more than what is known."""
        for name, value in zip(self.node.output, found, strict=False):
            present = self.types.get(name, UNKNOWN)
            if name and not present.is_known and (value.is_known or value is not UNKNOWN):
                self.types[name] = value

    def _determined(self) -> list[ValueType]:
        node = self.node
        if node.domain == OPAQUE_DOMAIN and node.op_type in UNTYPED_CRASHES:
            return opaque_types(self)
        if node.domain in RULES:
            return imported(RULES[node.domain])(self)  # pyright: ignore
        if node.domain in STANDARD_DOMAINS and node.op_type in SEQUENCE_KINDS:
            found = sequence_types(self)
            if found:
                return found
        if node.op_type in CORRECTED and (node.domain in STANDARD_DOMAINS or node.domain == OPAQUE_DOMAIN):
            found = corrected_types(self)
            if found:
                return found
        return self.inferred()

    def _bounded(self) -> list[ValueType]:
        """Return the types of outputs of which sizes depend on data."""
        found, bounded = (self._determined() if self.instead else []), data_types(self)
        return found if found and all(value.is_known for value in found) else bounded

    def inferred(self) -> list[ValueType]:
        """Return the types that ONNX's rules and those for bounds determine."""
        node, reads = self.node, self.reads()
        values = {name: v for name in reads if (v := self._value(name)) is not None}
        exact = {name: value.array for name, value in values.items() if value.marks is None}
        found = inferred(node, reads, exact, self.walk.opsets)
        if any(not value.is_known for value in found) and node.domain in STANDARD_DOMAINS:
            if any(value.bounds for value in reads.values()) or len(exact) < len(values):
                found = rising_types(self, found, values)
            found = uninferred_types(self) or self._statistics(found)
        return found

    def _statistics(self, found: list[ValueType]) -> list[ValueType]:
        """Return the types with those of secondary outputs that inference leaves out in old operator sets.

        These are the mask of Dropout (before opset 10 with the type of the data), and the running and saved
        mean and variance of BatchNormalization (before opset 14).
        """
        like = {"Dropout": found[:1], "BatchNormalization": [self.type_of(1)]}.get(self.node.op_type)
        if like is None:
            return found
        return [value if value.is_known or place == 0 else like[0] for place, value in enumerate(found)]

    def _finish(self) -> None:
        """Add the types of outputs that are still unknown: from the file, bounds, what is bound."""
        missing = [name for name in self.node.output if name and not self.types.get(name, UNKNOWN).is_known]
        for name in missing:
            own = self.scope.own.get(name, UNKNOWN)
            if own.is_known:
                self.types[name] = self._own(name, own)
        is_data = self.node.op_type in DATA_KINDS and self.node.domain in STANDARD_DOMAINS
        if is_data and any(not self.types.get(name, UNKNOWN).is_known for name in missing):
            self.tell(of_each(self, Step._bounded))
        if self.walk.bind:
            for name in missing:
                self._bind(name)

    def _own(self, name: str, own: ValueType) -> ValueType:
        """Return the type that the file declares; what was bound of sizes that depend on data is a bound."""
        if self.node.op_type not in DATA_KINDS or own.shape is None or not self.walk.bind:
            return own
        shape = self.stated(name, len(own.shape))
        return ValueType(own.element, shape)

    def stated(self, name: str, rank: int) -> tuple[int | None, ...]:
        """Return the sizes of an output that are bound, which are bounds, or declared in the file."""
        own, walk = self.scope.own.get(name, UNKNOWN), self.walk
        shape = own.shape if own.shape is not None and len(own.shape) == rank else (None,) * rank
        sizes: list[int | None] = [size if isinstance(size, int) else None for size in shape]
        if any(size is not None for size in sizes):
            listed = self.scope.listed
            declared = next(v.type for v in (*listed.outputs, *listed.declared) if v.name == name)
            for axis, dim in enumerate(declared.tensor_type.shape.dim):
                size = sizes[axis]
                sizes[axis] = walk.at_most(size) if dim.dim_param and size is not None else size
        for axis in range(rank):
            bound = walk.bind.get(f"{name}:{axis}")
            if bound is not None and sizes[axis] is None:
                sizes[axis] = walk.at_most(bound)
        return tuple(sizes)

    def _bind(self, name: str) -> None:
        """Use the sizes that were bound by the name of a tensor and an axis."""
        found, bind = self.types.get(name, UNKNOWN), self.walk.bind
        if found.is_known or not found.element or found.kind != "tensor":
            return
        shape = list(found.shape or ())
        if found.shape is None:
            while f"{name}:{len(shape)}" in bind:
                shape.append(None)
            if not shape:
                return
        for axis, size in enumerate(shape):
            bound = bind.get(f"{name}:{axis}")
            if bound is not None and not isinstance(size, int):
                shape[axis] = self.walk.at_most(bound)
        self.types[name] = ValueType(found.element, tuple(shape))

    def _evaluate(self) -> None:
        node = self.node
        if len(node.output) == 0 or node.op_type in BODY_KINDS:
            return
        reads = {name: v for name in node.input if name and (v := self._value(name)) is not None}
        if node.op_type not in ("Shape", "Size", "SequenceLength") and len(reads) < len(
            {n for n in node.input if n}
        ):
            return
        if node.op_type == "SequenceLength":
            parts = self.type_of(0).parts
            made = [] if parts is None else [Value(np.array(len(parts), np.int64))]
        else:
            made = followed(node, reads, self.type_of(0), self.walk.opsets)
        values = self.walk.values[self.scope.path]
        for name, value in zip(node.output, made, strict=False):
            if name and is_small(value.array):
                values[name] = value
