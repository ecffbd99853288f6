"""Write the random-wired instances into this folder, the hardest networks that we know.

Three stages of 96 and 128 nodes, Watts-Strogatz wiring (k = 4, p = 0.75), 78 channels that double per
stage, a weighted sum as one operator, seeds 0 to 3, target "default".
"""

from __future__ import annotations

from pathlib import Path

from hmcos.frontends.loading import load
from hmcos.memory.instance import write_instance
from hmcos.memory.problem import Problem
from hmcos.memory.sharing import lower
from hmcos.memory.target import load_target
from hmcos.zoo.catalogue import build

INSTANCES = Path(__file__).parent / "instances"
NODES = (96, 128)
SEEDS = range(4)


def instance(nodes: int, seed: int) -> Problem:
    """Return one of the eight problems."""
    model = build("randwire", nodes=nodes, k=4, p=0.75, channels=78, stages=3, fold_sums=True, seed=seed)
    return lower(load(model).graph, load_target("default")).problem


def main() -> None:
    INSTANCES.mkdir(exist_ok=True)
    for nodes in NODES:
        for seed in SEEDS:
            text = write_instance(instance(nodes, seed))
            (INSTANCES / f"randwire-{nodes}-s{seed}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
