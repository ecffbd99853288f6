"""Run two exported programs on the same inputs, in the process that `trial.tried` starts."""

from __future__ import annotations

import json
import pickle
from dataclasses import asdict
from pathlib import Path
from typing import cast

import torch

from hmcos import processes
from hmcos.errors import HmcosError
from hmcos.frontends.torch.binding import bound_inputs
from hmcos.frontends.torch.programs import Program, read_program
from hmcos.frontends.torch.weights import read_weights
from hmcos.runtimes.torch.allocators import allocated
from hmcos.runtimes.torch.bits import difference
from hmcos.runtimes.torch.running import Feed, Ran, run
from hmcos.runtimes.torch.trial import LOADING, RESULT, SOURCE, Trial, Tried
from hmcos.words import first_line

_MOST = (7, 1, 0)
"""Largest integers to try as inputs, one after the other: they may be indices into something small."""


def answer(request: bytes) -> bytes:
    """Run both programs, tell every part before it begins, and at last what came of it.

    `request` is a pickled `Trial`.
    """
    trial = cast(Trial, pickle.loads(request))
    try:
        tell(_tried(trial))
    except HmcosError as error:
        tell({"refused": str(error)})
    return b""


def tell(message: dict[str, object]) -> None:
    """Send a message to the parent at once."""
    processes.send(json.dumps(message).encode() + b"\n")


def _tried(trial: Trial) -> dict[str, object]:
    tell({"begin": LOADING})
    source, weights = _loaded(trial.source)
    tell({"begin": SOURCE})
    first: list[tuple[Feed, Ran]] = []
    for number in range(trial.runs):
        found = _run_source(source, weights, trial, number)
        if isinstance(found, str):
            return {"refused": f"the source does not run on random inputs: {found}; give inputs with --input"}
        first.append(found)
    tell({"begin": RESULT})
    result, _ = _loaded(trial.result)
    second: list[Ran] = []
    for number, (feed, ran) in enumerate(first):
        second.append(run(result.module, feed, trial.seed))
        other = difference(ran, second[-1])
        if other is not None and difference(ran, run(source.module, feed, trial.seed)) is not None:
            return {"refused": f"{other} of the source differs from run to run"}
        if other is not None:
            return {"differs": f"run {number}: {other} of the result has other bits"}
    feed = first[0][0]
    return {
        "tried": asdict(
            Tried(
                outputs=len(first[0][1].outputs),
                source_peak=max(ran.memory.peak_within for _, ran in first),
                result_peak=max(ran.memory.peak_within for ran in second),
                result_border_peak=max(ran.memory.peak for ran in second),
                source_allocated=allocated(source.module, feed, trial.seed),
                result_allocated=allocated(result.module, feed, trial.seed),
            )
        )
    }


def _loaded(path: Path) -> tuple[Program, dict[str, torch.Tensor]]:
    program = read_program(path)
    assert program.archive is not None, "a file has an archive"
    return program, read_weights(program.archive)


def _run_source(
    program: Program, weights: dict[str, torch.Tensor], trial: Trial, number: int
) -> tuple[Feed, Ran] | str:
    """Return what the source is fed and what it computes, or why it does not run."""
    why = ""
    for most in _MOST:
        feed = _feed(program, weights, trial, number, most)
        try:
            return feed, run(program.module, feed, trial.seed)
        except Exception as error:  # whatever operators raise for inputs that they do not take
            why = why or first_line(error)
    return why


def _feed(program: Program, weights: dict[str, torch.Tensor], trial: Trial, number: int, most: int) -> Feed:
    draw = torch.Generator().manual_seed(trial.seed * 1_000 + number)
    inputs = {
        name: _made(value, draw, most, trial.own.get(name)) if isinstance(value, torch.Tensor) else value
        for name, value in bound_inputs(program, trial.bind).items()
    }
    names = [node.name for node in program.placeholders]
    values = [weights[program.targets[name]] if name in program.targets else inputs[name] for name in names]
    parameters = frozenset(at for at, name in enumerate(names) if name in program.targets)
    return Feed(tuple(values), parameters)


def _made(like: torch.Tensor, draw: torch.Generator, most: int, own: bytes | None) -> torch.Tensor:
    """Return a tensor of the type and layout of another, with random numbers or the given bytes."""
    size, stride, dtype = tuple(like.shape), like.stride(), like.dtype
    if own is not None:
        given = torch.frombuffer(bytearray(own), dtype=dtype).reshape(size)
        return torch.empty_strided(size, stride, dtype=dtype).copy_(given).to(like.device)
    room = 0 if 0 in size else 1 + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    return _numbers(room, dtype, draw, most).as_strided(size, stride).to(like.device)


def _numbers(count: int, dtype: torch.dtype, draw: torch.Generator, most: int) -> torch.Tensor:
    if dtype is torch.bool:
        return torch.randint(0, 2, (count,), generator=draw).bool()
    if dtype.is_complex or dtype.is_floating_point:
        return torch.randn(count, generator=draw).to(dtype)
    return torch.randint(0, most + 1, (count,), generator=draw).to(dtype)
