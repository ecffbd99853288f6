"""A graph of torch.fx as a model of the house."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from torch.fx import GraphModule

from hmcos.frontends.model import Model
from hmcos.frontends.torch.building import Traced, build
from hmcos.frontends.torch.values import observe

FORMAT = "pt2"


def traced(
    module: GraphModule,
    inputs: Sequence[object],
    *,
    parameters: Collection[str] = (),
    held: Collection[str] | None = None,
    symbols: tuple[str, ...] = (),
    views: Collection[str] = (),
) -> Traced:
    """Return a graph as a network, with the way back.

    Args:
        module: the graph; it is not changed.
        inputs: one per placeholder: real or fake tensors, numbers, None. Symbolic sizes count as those of the
            example.
        parameters: names of the placeholders that take no memory, such as weights.
        held: names of the placeholders that the caller holds to the end; None for all of them.
        symbols: the symbolic sizes of the source, whose values are those of the inputs.
        views: operators such as `aten::view_copy` that the target runs as views of their first argument.

    Raises:
        ModelError: a node cannot be scheduled, or does not run; names node and module.
    """
    return build(observe(module, inputs, views=views), parameters=parameters, held=held, symbols=symbols)


def model_in_memory(trace: Traced) -> Model:
    """Return a graph in memory as a model, which can be scheduled, explained and drawn, but not written."""
    return Model(
        graph=trace.graph,
        path=None,
        format=FORMAT,
        sha256="",
        original_sha256="",
        inlined=False,
        data_files=(),
        bind={},
        parameter_bytes=sum(tensor.size for tensor in trace.graph.tensors if tensor.is_parameter),
        file_bytes=0,
        proto=trace,
    )
