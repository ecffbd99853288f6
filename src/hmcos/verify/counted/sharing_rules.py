"""What a target lets tensors share, read independently from the target's plain data.

Written from the memory model (Sharing) and the comments in default.toml, not from the code that lowers
networks, so that a mistake there is not repeated here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from hmcos.graph.graph import Graph, Operator
from hmcos.verify.counted.rounding import rounded_up

Table = Mapping[str, object]


class SharingRules:
    """The storage of each tensor and what may be overwritten, for one network on one target.

    A storage is identified by the tensor that it was allocated for: the tensor itself, or the first in a
        chain
    of views. Parameters, and views of them, have no storage.
    """

    def __init__(self, graph: Graph, target_data: Table) -> None:
        self.graph = graph
        self.alignment = cast(int, target_data.get("alignment", 1))
        self.external: frozenset[int] = frozenset()
        """Storages that the caller supplies: they cost nothing, never overwrite and are never overwritten."""
        self.floor = rounded_up(cast(int, target_data.get("floor", 0)), self.alignment)
        self.overwrite_inputs = bool(target_data.get("overwrite_inputs", True))
        self.views = cast(list[str], target_data.get("views", []))
        overwrite = cast(list[Table], target_data.get("overwrite", []))
        self.rule = {kind: rule for rule in overwrite for kind in cast(list[str], rule["kinds"])}
        self.scratch = cast(Mapping[str, Mapping[str, int]], target_data.get("scratch", {}))
        self.used = frozenset(graph.outputs) | graph.readers.keys()
        self.storage: dict[int, int] = {}
        for t in graph.inputs:
            self.storage[t] = t
        for op in graph.operators:
            for t in op.makes:
                if graph.tensors[t].is_parameter:
                    continue
                if not self.is_view(op):
                    self.storage[t] = t
                elif op.inputs[0] in self.storage:
                    self.storage[t] = self.storage[op.inputs[0]]
        if target_data.get("external_io", False):
            outputs = {self.storage[t] for t in graph.outputs if t in self.storage}
            self.external = frozenset(graph.inputs) | outputs

    def bytes_of(self, tensor: int) -> int:
        """Return the tensor's bytes, rounded up to the alignment."""
        return 0 if tensor in self.external else rounded_up(self.graph.tensors[tensor].size, self.alignment)

    def scratch_of(self, op: Operator, bodies: int) -> int:
        """Return the bytes that an operator needs while it runs; `bodies` is what its bodies need."""
        own = self.scratch.get("kinds", {}).get(_kind(op), 0) + self.scratch.get("operators", {}).get(
            op.name, 0
        )
        hidden = sum(rounded_up(size, self.alignment) for size in op.temporaries)
        hidden -= sum(rounded_up(self.graph.tensors[t].size, self.alignment) for t in op.makes)
        inside = max(0, hidden, rounded_up(bodies, self.alignment))
        return rounded_up(own, self.alignment) + inside

    def is_view(self, op: Operator) -> bool:
        """Return whether the operator's only output is a view of its first input."""
        if _kind(op) not in self.views or op.is_random or len(op.makes) != 1 or not op.inputs:
            return False
        base = op.inputs[0]
        return base is not None and self.graph.tensors[op.makes[0]].size <= self.graph.tensors[base].size

    def allocated(self, op: Operator) -> list[int]:
        """Return the outputs that need a storage of their own."""
        return [t for t in op.makes if self.storage.get(t) == t]

    def overwrites(self, op: Operator) -> tuple[int, set[int]]:
        """Return the output that may be in place and the storages it may overwrite; (-1, none) if none."""
        rule = self.rule.get(_kind(op))
        used = [t for t in op.makes if t in self.used]
        if rule is None or op.is_random or len(used) != 1 or not self.graph.tensors[used[0]].size:
            return -1, set()
        if self.storage.get(used[0]) in self.external:
            return -1, set()
        (output,) = used
        fitting = [p for p in range(len(op.inputs)) if self._fits(op, p, output, rule)]
        taken = [self.storage[cast(int, op.inputs[p])] for p in fitting]
        if rule.get("inputs", "any") == "first":
            taken = taken[:1]
        others = [t for p, t in enumerate(op.inputs) if p not in fitting and t is not None]
        read_otherwise = {self.storage.get(t) for t in (*others, *op.captured)}
        return output, {t for t in taken if t not in read_otherwise and self._may_go(t)}

    def _fits(self, op: Operator, position: int, output: int, rule: Table) -> bool:
        """Return whether the rule lets the output take the place of the input at this position."""
        read = op.inputs[position]
        positions = rule.get("inputs", "any")
        if read is None or read not in self.storage:
            return False
        if isinstance(positions, list) and position not in cast(list[int], positions):
            return False
        old, new = self.graph.tensors[read], self.graph.tensors[output]
        if len(op.reads) > 1 and (old.at_most or new.at_most):
            return False
        if old.size != self.graph.tensors[self.storage[read]].size:
            return False
        if rule.get("condition", "same-shape") == "same-size":
            return old.size == new.size
        return old.shape == new.shape and old.bits == new.bits

    def _may_go(self, storage: int) -> bool:
        if storage in self.external:
            return False
        return self.overwrite_inputs or storage not in self.graph.inputs


def _kind(op: Operator) -> str:
    return op.kind if op.domain in ("", "ai.onnx") else f"{op.domain}:{op.kind}"
