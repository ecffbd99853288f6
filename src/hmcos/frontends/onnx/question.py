"""A model to ask a runtime for the sizes that no rule here determines."""

from __future__ import annotations

from collections.abc import Mapping

from onnx import ModelProto

from hmcos.frontends.onnx.listing import is_executable, listed
from hmcos.frontends.onnx.sizes import settle
from hmcos.frontends.onnx.skeleton import OPAQUE_DOMAIN, NameScope, skeleton
from hmcos.frontends.onnx.types import write_type
from hmcos.graph.kinds import STANDARD_DOMAINS


def question(source: ModelProto, bind: Mapping[str, int]) -> bytes | None:
    """Return a light model with bound sizes of which every inner tensor is an output; None if it is no use.

    Weights are inputs, so that it is small. It is of use only if a kind is not one of ONNX's.
    """
    graphs = listed(source.graph)
    domains = {node.domain for here in graphs for node in here.nodes}
    if domains <= STANDARD_DOMAINS or not is_executable(graphs[0]):
        return None
    light, scopes = skeleton(source, graphs, settle(graphs, bind).bind)
    main = light.graph
    stored = {tensor.name for tensor in main.initializer} | {value.name for value in main.input}
    _add_weights(scopes[0], stored)
    kept = [node for node in main.node if node.op_type != "Constant" or node.domain != OPAQUE_DOMAIN]
    for node in main.node:
        if node.op_type == "Constant" and node.domain == OPAQUE_DOMAIN:
            declared = next(value for value in main.value_info if value.name == node.output[0])
            main.input.add().CopyFrom(declared)
    copies = [node.SerializeToString() for node in kept]
    del main.node[:]
    for copy in copies:
        main.node.add().ParseFromString(copy)
    outputs = {value.name for value in main.output}
    made = dict.fromkeys(name for node in main.node for name in node.output if name and name not in outputs)
    for name in made:
        main.output.add(name=name)
    light.ir_version = max(light.ir_version, 4)
    return light.SerializeToString()


def _add_weights(scope: NameScope, stored: set[str]) -> None:
    """Make inputs of the parameters whose values were left out."""
    for name, declared in scope.parameters.items():
        if name not in stored:
            write_type(declared, scope.light.input.add(name=name).type)
