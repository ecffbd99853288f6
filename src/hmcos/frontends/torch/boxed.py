"""Graphs whose function takes one list of arguments and empties it, so that each argument can die early."""

from __future__ import annotations

from typing import Any, cast

from torch.fx import GraphModule
from torch.fx.graph import CodeGen


class BoxedCodeGen(CodeGen):
    """Writes a function of one list, which it empties before the first operator runs.

    Arguments of a call are held by the caller until it returns. What is taken out of a list is held by the
    function alone, and dies after its last reader.
    """

    def gen_fn_def(self, free_vars: list[str], maybe_return_annotation: str, **options: Any) -> str:
        """Return the head of the function."""
        names = [variable.partition(":")[0].partition("=")[0].strip() for variable in free_vars]
        taken = [name for name in names if name != "self"]
        head = f"def forward(self, boxed){maybe_return_annotation}:"
        if taken:
            head += f"\n    {', '.join(taken)}, = boxed"
        return f"{head}\n    boxed.clear()"


def boxed(module: GraphModule) -> GraphModule:
    """Return the module, whose `forward` now takes one list of arguments and empties it."""
    for node in module.graph.nodes:
        if node.op == "placeholder":
            node.target = node.name  # of two names for one argument, one would hold it to the end
    module.graph.set_codegen(cast(CodeGen, BoxedCodeGen()))
    module.recompile()
    return module
