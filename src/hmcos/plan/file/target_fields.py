"""Read the rules of a target in a plan file, and check them (docs/targets.md)."""

from __future__ import annotations

from hmcos.errors import PlanError
from hmcos.plan.file.fields import Fields
from hmcos.plan.plan import TargetUsed

_KEYS = (
    *("alignment", "overwrite_inputs", "string_bytes", "views", "overwrite"),
    *("scratch", "kernels", "floor"),
)
_RULE_KEYS = ("kinds", "inputs", "condition")
_SCRATCH_KEYS = ("kinds", "operators", "unknown")
_INPUTS = ("any", "first")
_CONDITIONS = ("same-shape", "same-size")


def read_target(fields: Fields) -> TargetUsed:
    """Return the target that a plan was made for.

    Raises:
        PlanError: a key is missing, unknown or wrong; names it.
    """
    data = fields.part("data")
    check_rules(data)
    return TargetUsed(
        name=fields.text("name"),
        alignment=fields.number("alignment", lowest=1),
        data=dict(data.values),
        external_io="external_io" in fields.values and fields.flag("external_io"),
    )


def check_rules(data: Fields) -> None:
    """Check that the content of a target's file is well-formed.

    Raises:
        PlanError: a key is missing, unknown or wrong; names it.
    """
    _only(data, _KEYS)
    if "alignment" in data.values:
        data.number("alignment", lowest=1)
    if "overwrite_inputs" in data.values:
        data.flag("overwrite_inputs")
    if "string_bytes" in data.values:
        data.number("string_bytes", lowest=1)
    listed = set(data.texts("views")) if "views" in data.values else set[str]()
    for rule in data.parts("overwrite") if "overwrite" in data.values else ():
        _check_rule(rule)
        for kind in rule.texts("kinds"):
            if kind in listed:
                raise PlanError(f"{rule.where('kinds')}: kind {kind!r} has two rules")
            listed.add(kind)
    if "floor" in data.values:
        data.number("floor")
    if "kernels" in data.values:
        data.text("kernels")
    if "scratch" in data.values:
        scratch = data.part("scratch")
        _only(scratch, _SCRATCH_KEYS)
        if "unknown" in scratch.values:
            scratch.texts("unknown")
        for sizes in (scratch.part(key) for key in ("kinds", "operators") if key in scratch.values):
            for name in sizes.values:
                sizes.number(name)


def _check_rule(rule: Fields) -> None:
    _only(rule, _RULE_KEYS)
    inputs = rule.values.get("inputs", "any")
    if isinstance(inputs, list):
        rule.numbers("inputs")
    elif inputs not in _INPUTS:
        raise PlanError(f"{rule.where('inputs')}: must be 'any', 'first' or a list of positions")
    if rule.values.get("condition", _CONDITIONS[0]) not in _CONDITIONS:
        raise PlanError(f"{rule.where('condition')}: must be one of {', '.join(_CONDITIONS)}")


def _only(fields: Fields, known: tuple[str, ...]) -> None:
    for key in fields.values:
        if key not in known:
            raise PlanError(f"{fields.where(key)}: is no key of a target; there are {', '.join(known)}")
