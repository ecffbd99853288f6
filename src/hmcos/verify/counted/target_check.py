"""Check that the rules in a plan's target are well-formed, and match a shipped target of the same name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hmcos.errors import PlanError, VerifyError
from hmcos.plan.file.fields import Fields
from hmcos.plan.file.target_fields import check_rules
from hmcos.plan.plan import TargetUsed

INSTANCE = "instance"
"""The target name in the plan of a problem, which has its own rules."""
_FOLDER = Path(__file__).parents[2] / "memory" / "targets"
"""The shipped files are data, so that reading them shares no code with what is checked."""
_PER_MODEL = "tflm"
"""The target whose scratch per operator is computed for each model of its format."""


def check_target(used: TargetUsed, scratch: Mapping[str, int | None] | None, floor: int = 0) -> str:
    """Return the name of a target and where its rules come from, after checking them.

    `scratch` are the bytes that the kernels of the target tflm need per operator of this model, None where
    that is unknown; None for a model of another format. `floor` is the bytes of the largest tensor that no
    operator uses, which that target counts.

    Raises:
        VerifyError: the rules differ from the shipped target of this name, or one is malformed; names the
            key.
    """
    if used.name == INSTANCE:
        raise VerifyError(f"target.name: {INSTANCE!r} is for problems, which have rules of their own")
    rules, shipped = dict(used.data), _shipped()
    try:
        check_rules(Fields.of(rules, "the plan", "target.data."))
    except PlanError as error:
        raise VerifyError(str(error)) from None
    if used.name not in shipped:
        return f"{used.name}, with rules of its own"
    right, claimed = _spread(shipped[used.name]), _spread(rules)
    if used.name == _PER_MODEL and scratch is not None:
        right["scratch.operators"] = {name: size for name, size in scratch.items() if size is not None}
        right["scratch.unknown"] = {name for name, size in scratch.items() if size is None}
        right["floor"] = floor
        del right["kernels"]
    for key, value in right.items():
        if claimed[key] != value:
            raise VerifyError(
                f"target.data.{key}: differs from the shipped target {used.name!r}; "
                "run hmcos schedule on the model again"
            )
    return f"{used.name}, as it is shipped"


def check_no_target(used: TargetUsed) -> str:
    """Return a note that a problem has no target, after checking it.

    Raises:
        VerifyError: the plan of a problem claims a target.
    """
    if used.name != INSTANCE or used.data:
        raise VerifyError("target: a problem has rules of its own, so it has no target")
    return "a problem has rules of its own"


def _spread(rules: Mapping[str, Any]) -> dict[str, object]:
    """Return well-formed rules as one value per key, with defaults for missing keys."""
    scratch = rules.get("scratch", {})
    return {
        "alignment": rules.get("alignment", 1),
        "overwrite_inputs": rules.get("overwrite_inputs", True),
        "string_bytes": rules.get("string_bytes", 16),
        "views": set(rules.get("views", [])),
        "overwrite": {
            kind: (rule.get("inputs", "any"), rule.get("condition", "same-shape"))
            for rule in rules.get("overwrite", [])
            for kind in rule["kinds"]
        },
        "scratch.kinds": scratch.get("kinds", {}),
        "scratch.operators": scratch.get("operators", {}),
        "scratch.unknown": set(scratch.get("unknown", [])),
        "kernels": rules.get("kernels", ""),
        "floor": rules.get("floor", 0),
    }


@cache
def _shipped() -> dict[str, dict[str, object]]:
    """Return the rules of all shipped targets."""
    return {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in _FOLDER.glob("*.toml")}
