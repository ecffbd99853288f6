"""The output of the published HMCOS program, with the optimum beside it.

Wang, Wan, Chen, Lin, Jiang, Qiao: Hierarchical Memory-Constrained Operator Scheduling of Neural
Architecture Search Networks, DAC 2022, doi 10.1145/3489517.3530472; the program `op_sched`.
"""

from __future__ import annotations

from dataclasses import dataclass

from hmcos.limits import Limits, Status, Watch
from hmcos.plan.plan import Plan
from hmcos.tasks.compare.experiment import OrderTrial, try_order
from hmcos.tasks.schedule.solved import Solved

_RESULT = {True: "Optimal", False: "Best Found"}
"""Label of a result, by whether it is proved optimal."""
_KB = 1024
"""The published program prints sizes in whole KB, rounded down."""


@dataclass(frozen=True, slots=True)
class Published:
    """The orders and arenas of one network that `op_sched` reports."""

    given: OrderTrial
    """The order of the file: not printed, but shown in the pictures."""
    hmcos: OrderTrial
    rpo: OrderTrial
    plan: Plan
    """The plan of the optimal scheduler, with the smallest arena."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The four lines that the published program prints, and two more for the optimum."""
        arena = self.plan.arena
        assert arena is not None, "a plan without a budget has an arena"
        proved = self.plan.status is Status.OPTIMAL
        sizes = {
            "HMCOS Peak": self.hmcos.schedule.peak,
            "HMCOS Arena Size": self.hmcos.arena("tflite_arena").size,
            "RPO Peak": self.rpo.schedule.peak,
            "RPO Arena Size": self.rpo.arena("tflite_arena").size,
            f"{_RESULT[proved]} Peak": self.plan.peak,
            f"{_RESULT[arena.size == self.plan.lower_bound]} Arena Size": arena.size,
        }
        if not proved:  # a limit or Ctrl-C came first
            sizes["Optimal Peak At Least"] = self.plan.lower_bound
        return tuple(f"{words}: {size // _KB} KB" for words, size in sizes.items())


def publish(solved: Solved, limits: Limits, watch: Watch) -> Published:
    """Return the results of the published program for a network, each search within the limits."""
    given, rpo, hmcos = (try_order(solved.network, name, limits, watch) for name in ("given", "rpo", "hmcos"))
    return Published(given, hmcos, rpo, solved.plan)
