"""Models run in a process of their own, with limits: they come from anywhere."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
from dataclasses import replace
from typing import Any, cast

from hmcos import processes
from hmcos.errors import ToolError
from hmcos.verify.checks import Check
from hmcos.verify.request import Request


def run_apart(request: Request) -> list[Check]:
    """Return what `running.check_by_running` finds, run in a process with limits of time and memory.

    Raises:
        ToolError: ONNX Runtime is not installed.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        raise ToolError("running a model needs ONNX Runtime: pip install 'hmcos[verify]'")
    ended = processes.run(
        "hmcos.verify.running:answer",
        pickle.dumps(request),
        processes.Allowance(request.seconds, request.memory),
        environment={k: v for k, v in os.environ.items() if not k.startswith("ORT_")},
    )
    if ended.failure:
        return [Check("run", False, f"the process that ran the model {ended.failure}")]
    rows = cast("list[dict[str, Any]]", json.loads(ended.answer))
    checks = [Check(str(row["name"]), bool(row["held"]), str(row["words"])) for row in rows]
    if ended.unlimited and checks:
        words = f"{checks[0].words}; this system has no limit of {' or '.join(ended.unlimited)}"
        checks[0] = replace(checks[0], words=words)
    return checks
