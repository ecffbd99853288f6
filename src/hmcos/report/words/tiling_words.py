"""Tiling as advice, in words."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from hmcos.plan.plan import Plan
from hmcos.plan.rewriting import Rewriting
from hmcos.report.words.advice_words import reproduction
from hmcos.report.words.macs import more_macs
from hmcos.tasks.explain.explanation import Explanation
from hmcos.tasks.explain.tiling_advice import TilingAdvice, TilingAnswer
from hmcos.words import human


def tiling_command(plan: Plan) -> str:
    """Return the command that tiles the network of a plan, or what to call if it has no name."""
    command = reproduction(plan)
    if not command:
        return "hmcos.tile(model)"
    words = shlex.split(command)
    if plan.outputs.plan:  # beside the plan, not over it: the written model is another one
        words[-1] = str(Path(plan.outputs.plan).parent) + "-tiled"
    if "--tile" not in words:
        words.append("--tile")
        # The advice is about the peak, and TFLM's default is what must be declared.
        words += ["--tile-for", "peak"] if plan.target.kernels else []
    return shlex.join(words)


def tiling_note(explanation: Explanation) -> str:
    """Return in one sentence what is known of tiling the network, and no more than that."""
    found, command = explanation.tiling, tiling_command(explanation.plan)
    if found.answer is TilingAnswer.NOT_TRIED:
        return f"Tiling is not tried yet: {command} tries to run parts of the network in pieces."
    if found.answer is TilingAnswer.CUT_SHORT:
        return f"No tiling that helps was found in the time given: {command} searches on."
    if found.rewriting is None:
        return f"Tiling does not help: {found.why}."
    if found.answer is TilingAnswer.DONE:
        before, what = human(found.rewriting.peak_best_order), changed(found.rewriting)
        return f"The network is {what}: as it was, it needed {before} in the best order found."
    return ""


def changed(rewriting: Rewriting) -> str:
    """Return what was done to a network."""
    words = ["stripped of float inputs and outputs"] if rewriting.stripped else []
    return " and ".join([*words, *(["tiled"] if rewriting.regions or not words else [])])


def tiling_advice_words(explanation: Explanation) -> tuple[str, str]:
    """Return what a tiling that helps is, and how to get it."""
    found = explanation.tiling
    assert found.rewriting is not None, "a tiling that helps says what it changes"
    regions = len(found.rewriting.regions)
    what = f"run {regions} {'part' if regions == 1 else 'parts'} of the network in pieces (tiling)"
    if not regions:
        what = "fold what is known already into constants and padding (tiling)"
    return what, f"{tiling_command(explanation.plan)}: {', '.join(_cost(found, found.rewriting))}"


def _cost(found: TilingAdvice, rewriting: Rewriting) -> Iterator[str]:
    yield more_macs(rewriting)
    yield f"{found.operators:,} operators instead of {rewriting.operators_before:,}"
    if rewriting.new_kinds:
        yield f"new kinds {' and '.join(rewriting.new_kinds)}"
