"""Models run in a process of their own, with limits: they come from anywhere."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import signal
import subprocess
import sys
from typing import Any, cast

from hmcos.errors import ToolError
from hmcos.verify.checks import Check
from hmcos.verify.request import Request

_CRASHED = "the process that ran the model"


def run_apart(request: Request) -> list[Check]:
    """Return what `running.check_by_running` finds, run in a process with limits of time and memory.

    Raises:
        ToolError: ONNX Runtime is not installed.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        raise ToolError("running a model needs ONNX Runtime: pip install 'hmcos[verify]'")
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "hmcos.verify.running"],
            input=pickle.dumps(request),
            capture_output=True,
            timeout=2 * request.seconds + 10,
            check=False,
            env={k: v for k, v in os.environ.items() if not k.startswith("ORT_")},
        )
    except subprocess.TimeoutExpired:
        return [_failed(f"{_CRASHED} did not end within {2 * request.seconds + 10} seconds")]
    if ended.returncode:
        return [_explained(ended, request)]
    rows = cast("list[dict[str, Any]]", json.loads(ended.stdout))
    return [Check(str(row["name"]), bool(row["held"]), str(row["words"])) for row in rows]


def _explained(ended: subprocess.CompletedProcess[bytes], request: Request) -> Check:
    said = ended.stderr.decode(errors="replace").strip().splitlines()
    last = said[-1] if said else ""
    if ended.returncode == -signal.SIGXCPU:
        return _failed(f"{_CRASHED} took more than {request.seconds} seconds of processor time")
    if "MemoryError" in last or "bad_alloc" in last:
        return _failed(f"{_CRASHED} needed more than {request.memory:,} bytes of memory")
    if ended.returncode < 0:
        return _failed(f"{_CRASHED} was ended by signal {-ended.returncode}: {last[:200]}")
    return _failed(f"{_CRASHED} failed: {last[:200]}")


def _failed(words: str) -> Check:
    return Check("run", False, words)
