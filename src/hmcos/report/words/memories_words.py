"""What was found for several memories, in lines."""

from __future__ import annotations

from hmcos.limits import Status
from hmcos.plan.memory_blocks import MemoryPlan
from hmcos.plan.plan import Plan
from hmcos.words import human, printable

_ENDED = {
    Status.TIME_LIMIT: "in the time given",
    Status.STATE_LIMIT: "in a short search",
    Status.INTERRUPTED: "before the interruption",
}


def memories_lines(plan: Plan, memories: MemoryPlan) -> list[str]:
    """Return whether everything fits the first memory, and what is proved about the traffic in the others."""
    lines, placement = [_first(plan, memories)], memories.placement
    if not memories.has_places:
        if placement.status is Status.DOES_NOT_FIT:
            return [*lines, "does not fit: proved: this order has no room for all buffers in these memories"]
        return [*lines, f"undecided: no place was found for all buffers {_ended(placement.status)}"]
    if placement.slower:
        later = range(1, len(placement.lower_bounds))
        lines += [_traffic(memories), *(_later(memories, k) for k in later)]
        if memories.orders > 1:
            higher = ", though its peak is not the least" if plan.peak > plan.lower_bound else ""
            lines.append(f"the order is the best of {memories.orders} that were compared{higher}")
    return lines


def _first(plan: Plan, memories: MemoryPlan) -> str:
    placement = memories.placement
    name, capacity = printable(placement.blocks[0].name), placement.blocks[0].capacity or 0
    if memories.has_places and not any(placement.sizes[1:]):
        return f"everything fits {name}: yes"
    if plan.lower_bound > capacity:
        why = f"no, proved: any order needs at least {human(plan.lower_bound)}"
    elif memories.whole_lower_bound > capacity:
        why = f"no, proved: this order needs at least {human(memories.whole_lower_bound)}"
    elif placement.lower_bound:
        why = "no, proved: in this order some buffers have to leave it"
    else:
        why = f"not known; the smallest arena found has {human(memories.whole)}"
    return f"everything fits {name}: {why}"


def _traffic(memories: MemoryPlan) -> str:
    placement = memories.placement
    moved, bound = placement.slower, placement.lower_bound
    what = f"read and written outside {printable(placement.blocks[0].name)}: {human(moved)}"
    return f"{what}, {_proof(moved, bound, placement.status)}"


def _later(memories: MemoryPlan, k: int) -> str:
    placement = memories.placement
    moved, bound = placement.behind[k], placement.lower_bounds[k]
    names = " and ".join(printable(block.name) for block in placement.blocks[: k + 1])
    return f"of these outside {names}: {human(moved)}, {_proof(moved, bound, placement.status)}"


def _proof(moved: int, bound: int, status: Status) -> str:
    if moved == bound:
        return "least traffic of this order, proved"
    if not bound:
        return f"the least that was found {_ended(status)}; no bound was proved"
    above = 100 * (moved - bound) / bound
    return f"at most {above:.1f} % above the least of this order, {_ended(status)}"


def _ended(status: Status) -> str:
    return _ENDED.get(status, "so far")
