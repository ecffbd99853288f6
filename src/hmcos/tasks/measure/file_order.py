"""The peak of a model as its file stands."""

from __future__ import annotations

from hmcos.limits import Limits, Watch
from hmcos.memory.profile import peak
from hmcos.memory.target import Target
from hmcos.network.lowering import accounting_of, lower_network
from hmcos.network.opening import Opened
from hmcos.schedulers.scheduler_table import scheduler


def file_order_peak(opened: Opened, target: Target) -> int:
    """Return the peak in bytes of the file as it stands: its bodies run in the order of the file, too.

    (`Plan.given_peak` takes the bodies in their planned orders.)
    """
    accounting = accounting_of(opened, target)
    network, _ = lower_network(opened, accounting, Limits(), Watch(), scheduler("given"))
    return peak(network.problem, range(network.problem.operators))
