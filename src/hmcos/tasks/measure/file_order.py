"""The peak of a model in the order of its file."""

from __future__ import annotations

from hmcos.limits import Limits, Watch
from hmcos.memory.profile import peak
from hmcos.memory.target import Target
from hmcos.network.lowering import accounting_of, lower_network
from hmcos.network.opening import Opened
from hmcos.schedulers.scheduler_table import scheduler


def file_order_peak(opened: Opened, target: Target) -> int:
    """Return the peak in bytes of the order in the file, with the bodies in file order, too.

    In `Plan.given_peak`, by contrast, the bodies are in their planned orders.
    """
    accounting = accounting_of(opened, target)
    network, _ = lower_network(opened, accounting, Limits(), Watch(), scheduler("given"))
    return peak(network.problem, range(network.problem.operators))
