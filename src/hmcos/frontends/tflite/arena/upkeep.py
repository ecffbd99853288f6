"""What TensorFlow Lite for Microcontrollers (TFLM) keeps in its arena for each operator of a model."""

from __future__ import annotations

from collections.abc import Iterable

from hmcos.alignment import round_up
from hmcos.frontends.tflite.arena.prediction import Setup
from hmcos.frontends.tflite.arena.sizes import Kernel
from hmcos.frontends.tflite.kernels.kernel_set import ALIGNMENT
from hmcos.graph.graph import Operator
from hmcos.graph.upkeep import Upkeep

_CONSTANTS = {"SLICE": 1, "PAD": 0.5}
"""Constants that an operator of a rewrite adds on average: equal ones are written once. Counted in tiled
models; see docs/tflite.md."""


def upkeep(content: bytes, pointer_bytes: int, kernels: str) -> Upkeep:
    """Return the bytes per operator of a model's main graph, and for those that a rewrite adds.

    Their sum is what the tail grows by, but for the constants that say where to cut and what to pad.

    Raises:
        ModelError: the bytes are not a model.
        OptionError: no kernels are called that.
    """
    setup = Setup.of(content, pointer_bytes, kernels)
    operators = setup.graphs[0].operators
    return Upkeep(
        operators=tuple(_of_source(setup, op) for op in operators),
        cut=_added(setup, "SLICE"),
        pad=_added(setup, "PAD"),
        join=_added(setup, "CONCATENATION"),
    )


def _of_source(setup: Setup, op: Operator) -> int:
    handles = len(setup.scratch.get((0, op.number), ())) * setup.build["scratch_handle"].size
    return _structures(setup, setup.kernel(op), len(op.makes)) + handles + _rounded(setup.kept(0, op))


def _added(setup: Setup, kind: str) -> int:
    tensors = 1 + _CONSTANTS.get(kind, 0)
    return _structures(setup, setup.known[kind], tensors)


def _structures(setup: Setup, kernel: Kernel | None, tensors: float) -> int:
    """Return the bytes of what there is of every operator: its node, options, data, and tensors."""
    known = int(setup.build["node"].size + tensors * setup.build["eval_tensor"].size)
    return known if kernel is None else known + kernel.options.size + _rounded([kernel.data])


def _rounded(sizes: Iterable[int]) -> int:
    return sum(round_up(size, ALIGNMENT) for size in sizes)
