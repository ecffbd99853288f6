# pyright: basic, reportMissingImports=false
"""Search for the network with the most weights whose activations fit into a memory budget.

pip install 'hmcos[examples]'
python examples/search_under_budget.py --budget 1000000 --seconds 30 --jobs 2 --plot frontier.svg

Optuna proposes networks of four families of repeated cells, hmcos proves whether each one fits, and what does
not fit is pruned. Beside it stands the best of as many random networks.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from random import Random

import optuna  # pip install 'hmcos[examples]'

import hmcos
from hmcos import zoo

FAMILIES = ("nasnet", "amoebanet", "pnas", "darts")
CELLS = (1, 8)
FILTERS = (4, 64)


@dataclass(frozen=True)
class Network:
    """What a search chooses."""

    family: str
    cells: int
    filters: int

    @property
    def candidate(self) -> Callable[[], hmcos.Problem]:
        """What a worker calls to build it: a function and its arguments are a hundred bytes."""
        return partial(zoo.problem, self.family, cells=self.cells, filters=self.filters)

    @cached_property
    def weights(self) -> int:
        """Bytes."""
        return zoo.parameter_bytes(self.family, cells=self.cells, filters=self.filters)


@dataclass
class Found:
    """What a search has found so far."""

    budget: int
    rows: list[tuple[Network, hmcos.Row]] = field(default_factory=list[tuple[Network, hmcos.Row]])

    @property
    def fitting(self) -> list[tuple[Network, hmcos.Row]]:
        """Those that are proved to fit, the most weights first."""
        return sorted((one for one in self.rows if one[1].fits), key=lambda one: -one[0].weights)

    def words(self, seconds: float) -> str:
        """Return what was found, in one line."""
        counted = f"{len(self.rows)} networks, {len(self.rows) / seconds:.0f} a second"
        if not self.fitting:
            return f"{counted}: none fits"
        best, _ = self.fitting[0]
        named = f"{best.family} --cells {best.cells} --filters {best.filters}"
        return f"{counted}, {len(self.fitting)} fit: best {named}: {best.weights:,} bytes of weights"


def searched(found: Found, jobs: int, enough: Callable[[], bool]) -> None:
    """Let Optuna propose networks until there are enough; the workers are never idle."""
    sampler = optuna.samplers.TPESampler(seed=0, constant_liar=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    waiting: dict[str, tuple[optuna.Trial, Network]] = {}

    def candidates() -> Iterator[tuple[str, Callable[[], hmcos.Problem]]]:
        while not enough():
            trial = study.ask()
            network = Network(
                trial.suggest_categorical("family", FAMILIES),
                trial.suggest_int("cells", *CELLS),
                trial.suggest_int("filters", *FILTERS),
            )
            waiting[f"trial-{trial.number}"] = trial, network
            yield f"trial-{trial.number}", network.candidate

    for row in hmcos.evaluate(candidates(), budget=found.budget, jobs=jobs, time_limit=10):
        trial, network = waiting.pop(row.name)
        found.rows.append((network, row))
        if row.fits:
            study.tell(trial, network.weights)
        else:
            # How much it needs at least tells Optuna in which direction to go.
            trial.report(-(row.lower_bound or math.inf), step=0)
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)


def drawn(found: Found, jobs: int, count: int) -> None:
    """Evaluate so many random networks."""
    draw = Random(0)
    networks = {
        f"random-{number}": Network(draw.choice(FAMILIES), draw.randint(*CELLS), draw.randint(*FILTERS))
        for number in range(count)
    }
    candidates = ((name, network.candidate) for name, network in networks.items())
    for row in hmcos.evaluate(candidates, budget=found.budget, jobs=jobs, time_limit=10):
        found.rows.append((networks[row.name], row))


def plot(searches: dict[str, Found], path: Path) -> None:
    """Draw the weights of all candidates over their memory, and the frontier of those that fit."""
    from matplotlib.figure import Figure  # noqa: PLC0415 (only a plot needs it)

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot(xlabel="memory, KiB (at least, where it does not fit)", ylabel="weights, MB")
    for colour, (name, found) in zip(("tab:blue", "tab:orange"), searches.items(), strict=True):
        fit = [(row.peak or 0, network.weights) for network, row in found.fitting]
        too_large = [(row.lower_bound or 0, n.weights) for n, row in found.rows if row.fits is False]
        for points, marker in ((too_large, "x"), (fit, "o")):
            memory, weights = [m / 1024 for m, _ in points], [w / 1e6 for _, w in points]
            axes.scatter(memory, weights, s=12, c=colour, marker=marker, alpha=0.5)
        steps = frontier(fit)
        axes.step([m / 1024 for m, _ in steps], [w / 1e6 for _, w in steps], colour, where="post", label=name)
        axes.axvline(found.budget / 1024, color="grey", linestyle=":")
    axes.legend()
    figure.savefig(path)


def frontier(points: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the points that have more weights than all with less memory, ascending."""
    best: list[tuple[int, int]] = []
    for memory, weights in sorted(points):
        if not best or weights > best[-1][1]:
            best.append((memory, weights))
    return best


def main() -> None:
    """Search, draw as many at random, and say what both found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--budget", type=int, default=1_000_000, help="bytes for activations")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long Optuna may search")
    parser.add_argument("--trials", type=int, default=1_000_000, help="the most networks that it may propose")
    parser.add_argument("--jobs", type=int, default=2, help="worker processes")
    parser.add_argument("--plot", type=Path, help="a file for a plot of what was found, such as frontier.svg")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    best, random, begun = Found(options.budget), Found(options.budget), time.perf_counter()
    asked = iter(range(options.trials))

    def enough() -> bool:
        return time.perf_counter() - begun > options.seconds or next(asked, None) is None

    searched(best, options.jobs, enough)
    print("Optuna:", best.words(time.perf_counter() - begun))
    begun = time.perf_counter()
    drawn(random, options.jobs, len(best.rows))
    print("random:", random.words(time.perf_counter() - begun))
    if options.plot:
        plot({"Optuna": best, "random": random}, options.plot)


if __name__ == "__main__":
    main()
