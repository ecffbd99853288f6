"""Measure how long a network takes on its way to a verdict: built, lowered, asked for a budget.

python benchmarks/speed/lowering.py                        medians of processor time, in this checkout
python benchmarks/speed/lowering.py --beside OTHER/src     the same of another version, taking turns
python benchmarks/speed/lowering.py --pool 2               verdicts per second of a pool of processes

Every way is measured once per round, one after the other, so that what slows the machine slows all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median

import hmcos
from hmcos.zoo.catalogue import build

NETWORK = "nasnet-cifar"
BUDGET = 1_700_000
"""Bytes; a little less than the network needs, which takes longest to prove."""
ROUNDS = 21
TURNS = 5
"""Processes of each version, with `--beside`."""
CANDIDATES = 200
FILTERS = range(24, 44)
"""Channels of the candidates: each has 780 operators, and other sizes."""


def ways() -> dict[str, Callable[[], object]]:
    """What is measured, by its name."""
    model = build(NETWORK)
    problem = hmcos.lower(model)
    found: dict[str, Callable[[], object]] = {
        "build the ONNX model": lambda: build(NETWORK),
        "lower the model in memory": lambda: hmcos.lower(model),
        "ask for a budget": lambda: hmcos.schedule(problem, budget=BUDGET),
    }
    try:
        from hmcos.zoo import problem as zoo_problem  # noqa: PLC0415 (older versions have none)
    except ImportError:
        return found
    return found | {"problem without a model": lambda: zoo_problem(NETWORK)}


def measured(rounds: int = ROUNDS) -> dict[str, float]:
    """Median milliseconds of processor time by the name of the way."""
    taken: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, run in ways().items():
            begun = time.process_time()
            run()
            taken.setdefault(name, []).append(1e3 * (time.process_time() - begun))
    return {name: median(times) for name, times in taken.items()}


def in_turns(sources: list[Path]) -> list[dict[str, float]]:
    """Medians per version of several processes each, which take turns."""
    found: list[list[dict[str, float]]] = [[] for _ in sources]
    for _ in range(TURNS):
        for source, results in zip(sources, found, strict=True):
            run = [sys.executable, __file__, "--json"]
            environment = {**os.environ, "PYTHONPATH": str(source)}
            done = subprocess.run(run, check=True, capture_output=True, env=environment)
            results.append(json.loads(done.stdout))
    return [{name: median(one[name] for one in results) for name in results[0]} for results in found]


def verdict(filters: int) -> str:
    """Whether one candidate fits; this runs in a worker."""
    from hmcos.zoo import problem  # noqa: PLC0415

    return hmcos.schedule(problem("nasnet", filters=filters), budget=BUDGET).status.value


def verdict_and_time(filters: int) -> tuple[str, float]:
    """A verdict, and the seconds of processor time that it took its worker."""
    begun = time.process_time()
    return verdict(filters), time.process_time() - begun


def pooled(workers: int) -> tuple[float, float]:
    """Verdicts per second of a warm pool, and the seconds of processor time of one in its worker.

    Each candidate begins with its parameters. On a busy machine only the processor time means something.
    """
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(verdict, [FILTERS.start] * 2 * workers))
        begun = time.perf_counter()
        filters = [FILTERS[k % len(FILTERS)] for k in range(CANDIDATES)]
        times = [taken for _, taken in pool.map(verdict_and_time, filters)]
        return CANDIDATES / (time.perf_counter() - begun), sum(times) / CANDIDATES


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--beside", type=Path, metavar="SRC", help="the folder src of another version")
    parser.add_argument("--pool", type=int, metavar="N", help="measure a pool of so many processes")
    parser.add_argument("--json", action="store_true", help="print medians as JSON")
    options = parser.parse_args()
    if options.json:
        print(json.dumps(measured()))
    elif options.pool:
        rate, each = pooled(options.pool)
        print(f"{rate:.1f} verdicts a second by {options.pool} processes", end="; ")
        print(f"{1e3 * each:.1f} ms of processor time each, enough for {options.pool / each:.0f} a second")
    else:
        here = Path(__file__).parents[2] / "src"
        sources = [here, *([options.beside] if options.beside else [])]
        results = in_turns(sources) if options.beside else [measured()]
        print(f"{NETWORK}, 780 operators: medians of processor time")
        for name, time_here in results[0].items():
            beside = results[1].get(name) if options.beside else None
            print(f"{name:28} {time_here:7.1f} ms" + (f"   beside: {beside:7.1f} ms" if beside else ""))


if __name__ == "__main__":
    main()
