"""Run models in a child process with limits, since they are untrusted."""

from __future__ import annotations

import importlib.util
import os
import pickle
from dataclasses import replace

from hmcos import processes
from hmcos.verify.checks import Check
from hmcos.verify.run.endings import checks_of, run_checks, unanswered
from hmcos.verify.run.run_request import RunRequest


def run_apart(request: RunRequest) -> list[Check]:
    """Return the checks of `running.check_by_running`, run in a child process with limits."""
    names = run_checks(request.plan, inner=bool(request.common))
    if importlib.util.find_spec("onnxruntime") is None:
        return unanswered(names, "ONNX Runtime is not installed: pip install 'hmcos[verify]'")
    ended = processes.run(
        "hmcos.verify.run.running:answer",
        pickle.dumps(request),
        processes.Allowance(request.seconds, request.memory),
        environment={k: v for k, v in os.environ.items() if not k.startswith("ORT_")},
    )
    checks = checks_of(ended, names)
    if ended.unlimited:
        words = f"{checks[0].words}; this system has no limit of {' or '.join(ended.unlimited)}"
        checks[0] = replace(checks[0], words=words)
    return checks
