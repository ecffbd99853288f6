"""Advice, the verdict and the command that made a plan, in words."""

from __future__ import annotations

import shlex
from pathlib import Path

from hmcos.frontends.kernel_table import DEFAULT
from hmcos.limits import Status
from hmcos.memory.problem import Problem
from hmcos.plan.plan import OperatorRow, Plan
from hmcos.report.words.names import operator_words, shown
from hmcos.report.words.sizes import savings
from hmcos.tasks.explain.advice import Change, Kind
from hmcos.tasks.explain.explanation import Explanation
from hmcos.words import human

_NARROWER = {
    "float64": "float32 instead of float64",
    "float32": "float16 or int8 instead of float32",
    "float16": "int8 instead of float16",
    "bfloat16": "int8 instead of bfloat16",
    "int64": "int32 instead of int64",
    "int32": "int16 instead of int32",
}


def verdict(plan: Plan) -> str:
    """Return in one sentence what a network needs, what is proved of it, and what the order saves."""
    if plan.peak < plan.given_peak:
        saved = f"{savings(plan.given_peak, plan.peak)} less than in the order of the file"
    else:
        saved = "no less than in the order of the file"
    if plan.status is Status.AT_MOST:
        proof = "sizes that depend on data count at their bounds, for which no order needs less"
    elif plan.peak == plan.lower_bound:
        proof = "it is proved that no order needs less"
    else:
        proof = f"at most {human(plan.peak - plan.lower_bound)} above the least possible ({plan.status})"
    if plan.arena is None:
        arena = ""
    elif plan.arena.size == plan.peak:
        arena = ", and its arena is just as large"
    else:
        arena = f", and its arena takes {human(plan.arena.size)}"
    needs = "needs at most" if plan.status is Status.AT_MOST else "needs"
    return f"{plan.source.title} {needs} {human(plan.peak)} of memory, {saved}; {proof}{arena}."


def proof_words(explanation: Explanation) -> str:
    """Return a sentence on which operators force the peak; it claims only what is proved."""
    plan, problem, highest = explanation.plan, explanation.problem, explanation.forced[:1]
    if explanation.is_forced:
        row = explanation.rows[highest[0].operator]
        return (
            f"{operator_words(row)} forces the peak: whatever the order, what must be live beside it, "
            f"what it makes and its scratch take {human(plan.peak)}."
        )
    if plan.peak == problem.floor:
        return f"Tensors that no operator uses take {human(plan.peak)} by themselves, whatever the order."
    ends = {explanation.given.start: "first", sum(problem.sizes[b] for b in problem.held): "last"}
    if plan.peak in ends:
        place = "before the first" if ends[plan.peak] == "first" else "after the last"
        return f"What is live {place} operator, whatever the order, takes {human(plan.peak)} by itself."
    most = highest[0].bytes if highest else 0
    if plan.status in (Status.OPTIMAL, Status.AT_MOST):
        rest = "The rest was proved by exhausting all orders: no single operator is to blame."
    else:
        rest = "No single operator is to blame for the rest, and it is not proved that it is needed."
    return f"No operator alone forces more than {human(most)} of the {human(plan.peak)}. {rest}"


def tried_words(explanation: Explanation) -> str:
    """Return a sentence on how many changes were tried and what is known of them."""
    advised = explanation.advised
    tried, decided = len(advised.advice), len(advised.advice) - advised.undecided
    if not advised.possible:
        return "There is no change to try."
    if not tried:
        return f"No change is tried yet: {_more(explanation.plan)} tries all {advised.possible}."
    told = [f"{tried} of {advised.possible} changes were tried, one at a time, each by a new search."]
    if decided and not advised.best:
        which = "them" if decided == advised.possible else f"the {decided} that were settled"
        told.append(f"None of {which} makes the least peak smaller by itself.")
    if advised.best and not advised.proved:
        told.append("They are compared with the best order found, which is not proved to be the best.")
    if advised.undecided:
        told.append(
            f"Of those tried, the search of {advised.undecided} was cut short, "
            "so it is open whether they help."
        )
    if advised.untried:
        told.append(f"{advised.untried} are not tried yet: {_more(explanation.plan)} tries all.")
    return " ".join(told)


def _more(plan: Plan) -> str:
    """Return the command that tries the remaining changes."""
    if plan.outputs.plan:
        return shlex.join(["hmcos", "report", plan.outputs.plan])
    return "the same without a time limit"


def advice_words(explanation: Explanation, change: Change) -> tuple[str, str]:
    """Return what a change is, and how to get it."""
    if change.kind is Kind.EXTERNAL:
        command = reproduction(explanation.plan)
        return (
            "inputs and outputs outside the arena",
            f"{command} --external-io" if command else "schedule with external_io=True",
        )
    if change.kind is Kind.IN_PLACE:
        rule = f'[[overwrite]] kinds = ["{change.operators}"], inputs = "any", condition = "same-shape"'
        return (
            f"{change.operators} in place",
            f"if the runtime can: --target FILE.toml with {rule}",
        )
    life = change.life
    assert life is not None, "a tensor that is gone or halved has a life"
    name = shown(explanation.name(life))
    if life.buffer is None:
        how = (
            "a kernel that needs no scratch" if change.kind is Kind.GONE else "a kernel with half the scratch"
        )
        return f"{name} {change.kind}", how
    if change.kind is Kind.HALVED:
        tensor = explanation.tensor(life)
        narrower = _NARROWER.get(tensor.element if tensor else "")
        return f"{name} halved", " or ".join([*([narrower] if narrower else []), "half the channels"])
    return f"{name} gone", _fusion(explanation.problem, explanation.rows, life.buffer)


def _fusion(problem: Problem, rows: tuple[OperatorRow, ...], buffer: int) -> str:
    """Return how to avoid storing a tensor."""
    maker, readers = problem.producer[buffer], problem.readers[buffer]
    if maker < 0:
        return "feed it piece by piece, or keep it outside the arena"
    if not readers:
        return f"make {operator_words(rows[maker])} hand it out piece by piece"
    fused = f"fuse {operator_words(rows[maker])} with {operator_words(rows[readers[0]])}"
    if len(readers) == 1:
        return fused
    return f"{fused} and {len(readers) - 1} more, or compute it again for each of them"


def reproduction(plan: Plan) -> str:
    """Return the command that makes the plan again; empty for a network in memory."""
    if plan.source.name.startswith("<"):
        return ""
    words = ["hmcos", "schedule", plan.source.name]
    words += ["--scheduler", plan.schedule.scheduler] if plan.schedule.scheduler != "optimal" else []
    words += ["--target", plan.target.name] if plan.target.data or plan.target.name != "instance" else []
    words += ["--kernels", plan.target.kernels] if plan.target.kernels not in ("", DEFAULT) else []
    for symbol, size in plan.source.bind.items():
        words += ["--bind", f"{symbol}={size}"]
    words += ["--alignment", str(plan.target.alignment)]
    words += ["--external-io"] if plan.target.external_io else []
    words += ["--tile"] if plan.rewriting is not None or plan.untiled else []
    words += ["--tile-for", "peak"] if plan.tflm is not None and plan.tflm.tiled_for == "peak" else []
    words += ["--strip-quantize"] if plan.rewriting is not None and plan.rewriting.stripped else []
    words += ["--memories", "FILE.toml"] if plan.memories is not None else []
    words += ["-o", str(Path(plan.outputs.plan).parent)] if plan.outputs.plan else []
    return shlex.join(words)
