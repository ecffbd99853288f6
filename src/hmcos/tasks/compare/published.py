"""What the published system's program prints, and the optimum beside it.

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
"""What a size is called, by whether it is proved that none is smaller."""
_KB = 1024
"""The published program's KB, of which it prints whole ones."""


@dataclass(frozen=True, slots=True)
class Published:
    """What was found for one network."""

    given: OrderTrial
    """The order of the file, which the program does not tell of, but pictures show."""
    hmcos: OrderTrial
    rpo: OrderTrial
    plan: Plan
    """Of the optimal scheduler, with the smallest arena."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The four lines of the published program, and two of the same kind for the optimum."""
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
    """Return what the published program finds for a network, each search under the limits."""
    given, rpo, hmcos = (try_order(solved.network, name, limits, watch) for name in ("given", "rpo", "hmcos"))
    return Published(given, hmcos, rpo, solved.plan)
