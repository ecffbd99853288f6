"""From a network and a schedule to the plan that is handed out."""

from __future__ import annotations

from hmcos.memory.lifetimes import Life, lifetimes
from hmcos.memory.profile import Profile, peak, profile
from hmcos.plan.plan import Crest, LiveTensor, Memory, Plan, Seconds
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.rpo import reverse_post_order
from hmcos.stages.lowering import Network


def assemble(network: Network, found: Schedule, seconds: Seconds) -> Plan:
    """Return the plan of a schedule: its memory step by step, its peak moment, and the baselines."""
    problem = network.problem
    steps = profile(problem, found.order)
    return Plan(
        source=network.opened.source,
        target=network.target,
        operators=network.rows(),
        scheduled=network.numbers,
        schedule=found,
        order=network.source_order(found),
        given_peak=peak(problem, range(problem.operators)),
        rpo_peak=peak(problem, reverse_post_order(problem)),
        memory=Memory(steps.start, steps.running, steps.stable),
        crest=_crest(network, steps),
        seconds=seconds,
        bodies=network.bodies,
        budget=network.limits.budget,
    )


def _crest(network: Network, steps: Profile) -> Crest:
    step = steps.peak_step
    moment = max(step, 0)
    lives = [
        life
        for life in lifetimes(network.problem, steps.order)
        if life.birth <= moment < life.death and life.size and (step >= 0 or _enters(network, life))
    ]
    tensors = [_live_tensor(network, life) for life in lives]
    operator = network.numbers[steps.order[step]] if step >= 0 else None
    return Crest(step, operator, tuple(sorted(tensors, key=lambda tensor: -tensor.size)))


def _enters(network: Network, life: Life) -> bool:
    return life.buffer is not None and network.problem.producer[life.buffer] < 0


def _live_tensor(network: Network, life: Life) -> LiveTensor:
    """Return a live buffer, or the scratch of an operator."""
    if life.buffer is None:
        owner = life.operator if life.operator is not None else 0
        name = f"scratch of {network.problem.names[owner]}"
        return LiveTensor(name, life.size, None, network.numbers[owner])
    made_for = life.buffer if network.sharing is None else network.sharing.tensors_of[life.buffer][0]
    return LiveTensor(network.buffer_name(life.buffer), life.size, made_for)
