"""A set of kernels: what each of them requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hmcos.alignment import round_up
from hmcos.frontends.tflite.kernels.node import Node, Requests, Rule

ALIGNMENT = 16
"""Bytes: the runtime rounds every piece of scratch up to a multiple of it."""


@dataclass(frozen=True, slots=True)
class KernelSet:
    """The kernels that a runtime is built with."""

    title: str
    """What they are, and of which version, in words."""
    rules: Mapping[str, Rule]
    """Kind of operator to what its kernel requests; custom operators are written custom:NAME."""

    def requests(self, node: Node) -> Requests | None:
        """Return the bytes of each piece of scratch that an operator's kernel requests; None if unknown."""
        op = node.op
        rule = self.rules.get(f"{op.domain}:{op.kind}" if op.domain else op.kind)
        return None if rule is None else rule(node)

    def scratch(self, node: Node) -> int | None:
        """Return the bytes of scratch that an operator's kernel takes in all; None if unknown."""
        requests = self.requests(node)
        return None if requests is None else sum(round_up(size, ALIGNMENT) for size in requests)
