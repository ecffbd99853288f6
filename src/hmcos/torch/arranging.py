"""The order of a training step, with its log line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from hmcos.frontends.torch.steps.assembling import StepGraph
from hmcos.log import Log
from hmcos.torch.ordering import Ordered, ordered
from hmcos.torch.searching import Searching

_LOG = Log("hmcos.torch")


@dataclass(frozen=True, slots=True)
class OrderedStep:
    """A training step in its order."""

    graph: StepGraph
    ordered: Ordered
    run: Callable[..., Sequence[torch.Tensor]]


def in_order(graph: StepGraph, searching: Searching) -> OrderedStep:
    """Return a training step in the order that needs the least memory."""
    found = ordered(
        graph.module,
        graph.examples,
        parameters=graph.parameters,
        target=searching.target_for(graph.examples),
        time_limit=searching.time_limit,
        kept=searching.folder,
    )
    _LOG.info("training step of %d operators: %s", len(found.plan.operators), found.words)
    return OrderedStep(graph, found, found.module.forward)
