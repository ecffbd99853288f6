"""Run two exported programs in a child process, on the same inputs: equal bits, and the memory of each."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from hmcos import processes
from hmcos.errors import LimitError, NotRunError, ToolError, VerifyError

LOADING, SOURCE, RESULT = "the loading of the source", "the source", "the result"
"""The parts of the work: what crashes in the last one is the fault of the result."""


QUIET = {"KINETO_LOG_LEVEL": "6"}
"""Environment of the child: without it, the profiler writes about itself."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Two programs and what to run them on."""

    source: Path
    result: Path
    bind: Mapping[str, int]
    runs: int
    seed: int
    own: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """Inputs that the user gave: name to the bytes of the tensor."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a trial in which all bits were equal. Sizes in bytes."""

    outputs: int
    source_peak: int
    """Live storages of the source at most, with those inside composite operators."""
    result_peak: int
    result_border_peak: int
    """The same without those inside composite operators."""
    source_allocated: int
    """What the allocator handed out at most, workspace of kernels included."""
    result_allocated: int


def tried(trial: Trial, allowance: processes.Allowance) -> Tried:
    """Return the memory of both programs after running them.

    Raises:
        ToolError: torch is not installed.
        NotRunError: the source does not run, or does not compute the same bits twice.
        LimitError: a limit of time or memory ended the run.
        VerifyError: the result does not run, or computes other bits.
    """
    if find_spec("torch") is None:
        raise ToolError("PyTorch is not installed: pip install 'hmcos[torch]'")
    ended = processes.run(
        "hmcos.runtimes.torch.trial_child:answer",
        pickle.dumps(trial),
        allowance,
        environment={**os.environ, **QUIET},
    )
    told = [
        cast("dict[str, Any]", json.loads(line)) for line in ended.answer.splitlines() if line.endswith(b"}")
    ]
    part = next((message["begin"] for message in reversed(told) if "begin" in message), LOADING)
    last = told[-1] if told else {}
    if ended.failure:
        if ended.exhausted:
            raise LimitError(f"{part}: {ended.failure}")
        raise (VerifyError if part == RESULT else NotRunError)(f"{part} {ended.failure}")
    if "differs" in last:
        raise VerifyError(last["differs"])
    if "refused" in last:
        raise NotRunError(last["refused"])
    return Tried(**last["tried"])
