"""How much more or less a changed network computes, in words."""

from __future__ import annotations

from hmcos.plan.rewriting import Rewriting


def more_macs(rewriting: Rewriting) -> str:
    """Return how many multiplications are computed once more, or fewer than before, in percent."""
    word = "fewer" if rewriting.extra_macs < 0 else "more"
    return f"{100 * abs(rewriting.extra):.1f} % {word} multiplications"
