"""A set of kernels: what each of them requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hmcos.alignment import round_up
from hmcos.frontends.tflite.kernels.node import Node, Requests, Rule

ALIGNMENT = 16
"""Bytes: the runtime rounds every buffer and piece of scratch in its arena up to a multiple of it.

Source: MicroArenaBufferAlignment in micro_arena_constants.h.
"""


@dataclass(frozen=True, slots=True)
class KernelSet:
    """The kernels that a runtime is built with."""

    title: str
    """What they are, and of which version, in words."""
    rules: Mapping[str, Rule]
    """Kind of operator to what its kernel requests; custom operators are written custom:NAME."""
    kept: Mapping[str, Rule] = field(default_factory=dict[str, Rule])
    """Kind of operator to what its kernel keeps in the tail by its shapes, if the reference one does not."""

    def requests(self, node: Node) -> Requests | None:
        """Return the bytes of each piece of scratch that an operator's kernel requests; None if unknown."""
        op = node.op
        rule = self.rules.get(f"{op.domain}:{op.kind}" if op.domain else op.kind)
        return None if rule is None else rule(node)

    def keeps(self, node: Node) -> Requests:
        """Return the bytes of what an operator's kernel keeps in the tail and the reference one does not.

        Its data of a fixed size is not among it: that differs by a few bytes per operator.
        """
        rule = None if node.op.domain else self.kept.get(node.op.kind)
        return (None if rule is None else rule(node)) or ()

    def scratch(self, node: Node) -> int | None:
        """Return the bytes of scratch that an operator's kernel takes in all; None if unknown."""
        requests = self.requests(node)
        return None if requests is None else sum(round_up(size, ALIGNMENT) for size in requests)
