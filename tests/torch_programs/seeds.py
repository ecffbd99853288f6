"""The random program of a seed, as a graph with what it is run on."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from random import Random
from typing import Any

import torch
from torch import Tensor, fx
from torch.export import ExportedProgram

from hmcos.runtimes.torch.exported import feed
from hmcos.runtimes.torch.running import Feed
from torch_programs.bodies import BODIES, EXPORTED
from torch_programs.drawing import Drawing, extend
from torch_programs.operators import OPERATORS
from torch_programs.program import Program

SHAPES = ((4, 6), (3, 4, 6), (24,), (2, 12), (6, 4), (8, 8), (2, 3, 8), (1, 48), (2, 4, 4, 3))


def draw(seed: int, *, exported: bool = False) -> Program:
    """Return the random program of a seed; `exported` leaves out what modules do not call."""
    rng = Random(f"{seed} {exported}")
    inputs = [_tensor(rng, rng.choice(SHAPES)) for _ in range(rng.randint(1, 3))]
    if not exported and rng.random() < 0.3:
        whole = inputs[0].reshape(-1)
        inputs.append(whole[rng.randrange(len(whole)) :])
    constants = [_tensor(rng, rng.choice(SHAPES)) for _ in range(rng.randint(0, 2))]
    drawing = Drawing(rng, inputs, constants, guarded=False)
    bodies = EXPORTED if exported else BODIES
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        extend(drawing, {**OPERATORS, **bodies} if rng.random() < 0.5 else OPERATORS, rng.randint(4, 24))
    return drawing.program(_outputs(drawing))


def _tensor(rng: Random, shape: tuple[int, ...]) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(rng.randrange(1 << 30)))


def _outputs(drawing: Drawing) -> tuple[Any, ...]:
    rng, refs = drawing.rng, drawing.refs()
    chosen: list[Any] = [rng.choice(refs) for _ in range(rng.randint(0, 2))]
    chosen += [refs[-1], *([None] if rng.random() < 0.2 else [])]
    rng.shuffle(chosen)
    return tuple(chosen)


def by_hand(seed: int) -> tuple[fx.GraphModule, Feed]:
    """Return a program as a graph, with inputs of which some are parameters and some are given up."""
    program, rng = draw(seed), Random(seed)
    kinds = [rng.choice(("held", "given up", "parameter", "held")) for _ in program.inputs]
    parameters = frozenset(k for k, kind in enumerate(kinds) if kind == "parameter")
    given_up = frozenset(k for k, kind in enumerate(kinds) if kind == "given up")
    return program.graph(), Feed(program.inputs, parameters, given_up)


def by_export(seed: int) -> tuple[fx.GraphModule, Feed]:
    """Return a program as torch.export makes a graph of its module, with its example inputs.

    It refuses a few programs, such as a map whose body depends on layouts; another one takes their place.
    """
    program = draw(seed, exported=True)
    try:
        exported = _exported(program)
    except Exception:  # it raises errors of many types
        program = draw(seed + 1_000_000, exported=True)
        exported = _exported(program)
    return exported.graph_module, feed(exported, program.inputs, gives_up=bool(seed % 2))


def _exported(program: Program) -> ExportedProgram:
    return torch.export.export(program.module(), tuple(tensor.clone() for tensor in program.inputs))
