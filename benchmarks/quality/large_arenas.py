"""Measure arenas of tens of thousands of lives: how far above the bound, in which time and memory.

Run it as `python benchmarks/quality/large_arenas.py [--seconds 30] [FILE.csv ...]`. Without files, it places
28,000 random lives. Public files are in the folder `benchmarks` of https://github.com/cappadokes/idealloc:
S_1.csv, Y_1.csv and pangu_2.6B.csv. Each row is measured in a process of its own:
processor time of the whole process, the start of Python and reading included, and its most memory. The limit
counts the time of the clock, so on a busy machine less is reached.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

from hmcos.allocation.auto import auto
from hmcos.allocation.files.lives_file import read_lives
from hmcos.limits import Limits, Watch

RANDOM = 28_000
"""Lives of the random instance."""


def random_lives(seed: int = 5) -> str:
    """Return random lives as CSV: half of them 2 steps long, sizes over four orders of magnitude."""
    rng = Random(seed)
    rows = ["id,lower,upper,size"]
    for i in range(RANDOM):
        birth = rng.randrange(57_000)
        steps = 2 if rng.random() < 0.5 else int(2 * 10 ** (2.7 * rng.random()))
        rows.append(f"{i},{birth},{birth + steps},{int(10 ** (3 + 4 * rng.random()))}")
    return "\n".join(rows) + "\n"


def row(path: Path, seconds: float) -> str:
    """Return a row of the table; to be called once per process."""
    lives = read_lives(path).lives
    arena = auto(lives, Limits(seconds=seconds), Watch())
    used = resource.getrusage(resource.RUSAGE_SELF)
    cells = (
        path.stem,
        f"{len(lives.lives):,}",
        f"{arena.lower_bound:,}",
        f"{arena.size / arena.lower_bound - 1:.3%}",
        arena.status,
        f"{used.ru_utime + used.ru_stime:.1f}",
        f"{used.ru_maxrss // 1024:,}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--row", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.row:
        print(row(given.files[0], given.seconds))
        return
    print("| instance | lives | most bytes alive | above it | status | processor s | MB |")
    print("|---|---:|---:|---:|---|---:|---:|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "random.csv"
        drawn.write_text(random_lives())
        for path in given.files or [drawn]:
            command = [sys.executable, __file__, "--row", "--seconds", str(given.seconds), str(path)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
