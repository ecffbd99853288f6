"""Run the experiment of the HMCOS paper on the whole zoo and write its tables.

python benchmarks/quality/experiment.py                                     prints them
python benchmarks/quality/experiment.py README.md docs/experiment.md        writes them there

A file gets the tables for which it has a place: lines between <!-- peaks --> (or arenas, seconds) and
<!-- end -->.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import hmcos
from hmcos.tasks.compare.experiment import Experiment, OrderTrial, Row

WORDS = {
    "given": "file order",
    "rpo": "reverse post-order",
    "serenity": "Serenity style",
    "hmcos": "HMCOS",
    "optimal": "**optimal, proved**",
}


def table(headings: list[str], rows: list[list[str]]) -> str:
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def best(row: Row) -> OrderTrial:
    return row.trials[-1]


def name(row: Row) -> str:
    return row.network.removeprefix("zoo:")


def peaks(found: Experiment) -> str:
    """Return the peak of every order, in bytes."""
    rows: list[list[str]] = []
    for row in found.rows:
        given, *others, optimal = (trial.schedule.peak for trial in row.trials)
        assert optimal == row.lower_bound, f"{row.network}: not proved"
        cells = [f"{peak:,}" for peak in (given, *others)]
        saved = f"{100 * (given - optimal) / given:.0f} %"
        rows.append([name(row), str(row.operators), *cells, f"**{optimal:,}**", saved])
    return table(["network", "operators", *WORDS.values(), "saved"], rows)


def arenas(found: Experiment) -> str:
    """Return the arenas of reverse post-order, of HMCOS and of the optimal order, in bytes."""
    shown = ("rpo", "hmcos", "optimal")
    headings = ["network"]
    for order in shown:
        word = WORDS[order].strip("*").partition(",")[0]
        headings += [f"{word}: best fit", "TFLite", "smallest"]
    rows: list[list[str]] = []
    for row in found.rows:
        trials = [trial for trial in row.trials if trial.schedule.scheduler in shown]
        cells = [
            f"**{arena.size:,}**" if arena.size == best(row).schedule.peak else f"{arena.size:,}"
            for trial in trials
            for _, arena in trial.arenas
        ]
        rows.append([name(row), *cells])
    return table(headings, rows)


def seconds(found: Experiment) -> str:
    """Return how long every search took, and the planner of the smallest arena on the optimal order."""
    rows = [
        [
            name(row),
            *(f"{trial.schedule.seconds:.3f}" for trial in row.trials[2:]),
            f"{best(row).arena('auto').seconds:.3f}",
        ]
        for row in found.rows
    ]
    return table(["network", "Serenity style", "HMCOS", "optimal", "smallest arena"], rows)


def write(path: Path, tables: dict[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for place, lines in tables.items():
        pattern = rf"(<!-- {place} -->\n).*?(<!-- end -->)"
        text = re.sub(
            pattern, lambda found, lines=lines: f"{found[1]}\n{lines}\n\n{found[2]}", text, flags=re.DOTALL
        )
    path.write_text(text, encoding="utf-8")


def main(paths: list[str]) -> None:
    found = hmcos.experiment()
    tables = {"peaks": peaks(found), "arenas": arenas(found), "seconds": seconds(found)}
    for path in paths:
        write(Path(path), tables)
    if not paths:
        print("\n\n".join(tables.values()))


if __name__ == "__main__":
    main(sys.argv[1:])
