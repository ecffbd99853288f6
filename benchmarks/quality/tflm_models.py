"""Schedule and verify all .tflite files of folders, and compare what is said of arenas with what TFLM takes.

python benchmarks/quality/tflm_models.py FOLDER ...          all files below them, two at a time
python benchmarks/quality/tflm_models.py FOLDER --jobs 1 --time-limit 10 -o rows.jsonl

Needs the packages of the extra tflite-check. For each file: whether `hmcos verify` accepts what `hmcos
schedule` writes; head, tail and total of the source and of the written file, predicted and as TFLM reports
them; and the number to declare, predicted and the least that works. A row is appended to the file of -o as
soon as it is known; files that it has already are not run again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hmcos.errors import HmcosError
from hmcos.frontends.tflite.arena.prediction import predicted_arena
from hmcos.frontends.tflite.reading import model_in
from hmcos.plan.whole_arena import WholeArena
from hmcos.processes import Allowance
from hmcos.runtimes.tflite.tflm import measured_arenas

Row = dict[str, Any]
ENDINGS = {0: "holds", 5: "does not hold", 6: "not run"}
"""Exit code of `hmcos verify` to its meaning."""
ABOVE = 64
"""Bytes by which the number to declare may be predicted too large."""
SECONDS = 300
"""Most seconds of one command."""


def main() -> None:
    """Run all files, and print a table and a summary."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--time-limit", type=float, default=20.0)
    parser.add_argument("-o", "--output", type=Path)
    wanted = parser.parse_args()
    known = {row["model"]: row for row in _rows(wanted.output)}
    paths = [path for folder in wanted.folders for path in sorted(folder.rglob("*.tflite"))]
    rows = [known[str(path)] for path in paths if str(path) in known]
    with ThreadPoolExecutor(wanted.jobs) as pool:
        new = [path for path in paths if str(path) not in known]
        for row in pool.map(partial(tried, seconds=wanted.time_limit), new):
            rows.append(row)
            print(line(row), flush=True)
            if wanted.output is not None:
                with wanted.output.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
    print(summary(rows))


def _rows(path: Path | None) -> Iterator[Row]:
    if path is not None and path.exists():
        yield from (json.loads(text) for text in path.read_text(encoding="utf-8").splitlines())


def tried(path: Path, seconds: float) -> Row:
    """Return what was found of a file; it is run in processes of its own."""
    row: Row = {"model": str(path)}
    with TemporaryDirectory() as folder:
        made = _hmcos("schedule", str(path), "-o", folder, "--json", "--time-limit", str(seconds))
        if made.returncode:
            return row | {"refused": made.stderr.strip().removeprefix("hmcos: error: ")}
        plan = json.loads(made.stdout)
        row |= {"status": plan["status"], "given": plan["given_peak"], "peak": plan["peak"]}
        row["operators"] = len(plan["order"])
        found = _hmcos("verify", str(path), str(Path(folder, "plan.json")), "--json")
        row["verify"] = ENDINGS.get(found.returncode, f"exit {found.returncode}: {found.stderr.strip()}")
        if found.returncode and found.stdout:
            checks = json.loads(found.stdout)["checks"]
            row["why"] = [f"{c['check']}: {c['words']}" for c in checks if c["answer"] != "holds"]
        written = [Path(folder, path.name).read_bytes()]
        row["arenas"] = [_compared(content) for content in (path.read_bytes(), *written)]
    return row


def _hmcos(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hmcos", *words]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"no answer after {SECONDS} s")


def _compared(content: bytes) -> Row:
    """Return the arena of a file: as predicted, and as TFLM says or why it does not."""
    try:
        predicted = predicted_arena(content)
        (found,) = measured_arenas([(content, model_in(content, None).graph)], Allowance(seconds=SECONDS))
    except HmcosError as error:
        return {"refused": str(error)}
    row: Row = {"predicted": _sizes(predicted), "unknown": list(predicted.unknown)}
    if isinstance(found, str):
        return row | {"refused": found}
    return row | {"measured": _sizes(found)}


def _sizes(arena: WholeArena) -> list[int]:
    return [arena.head, arena.tail, arena.total, arena.declare]


def problems(row: Row) -> list[str]:
    """Return what is wrong with a row; nothing where TFLM does not run the source."""
    found: list[str] = []
    if row.get("verify", "holds") not in ("holds", "not run"):
        found.append(f"verify: {row['verify']}: {'; '.join(row.get('why', ()))}")
    for name, arena in zip(("source", "written"), row.get("arenas", ()), strict=False):
        if "measured" not in arena:
            continue
        (head, _, total, declare), (his_head, _, his_total, least) = arena["predicted"], arena["measured"]
        if head != his_head and not arena["unknown"]:
            found.append(f"{name}: head {his_head:,}, predicted {head:,}")
        if abs(total - his_total) > his_total * 0.02 and not arena["unknown"]:
            found.append(f"{name}: total {his_total:,}, predicted {total:,}")
        if not 0 <= declare - least <= ABOVE and not arena["unknown"]:
            found.append(f"{name}: {least:,} to declare, predicted {declare:,}")
    return found


def line(row: Row) -> str:
    """Return a row in one line."""
    name = Path(row["model"]).name
    if "refused" in row:
        return f"{name}: refused: {row['refused']}"
    wrong = problems(row)
    return f"{name}: {row['verify']}, peak {row['given']:,} -> {row['peak']:,}" + "".join(
        f"\n    {text}" for text in wrong
    )


def summary(rows: list[Row]) -> str:
    """Return what all rows say."""
    measured = [arena for row in rows for arena in row.get("arenas", ()) if "measured" in arena]
    known = [arena for arena in measured if not arena["unknown"]]
    off = [abs(a["predicted"][2] - a["measured"][2]) / a["measured"][2] for a in known]
    above = [a["predicted"][3] - a["measured"][3] for a in known]
    counts = Counter("refused" if "refused" in row else row["verify"] for row in rows)
    runs = sum("measured" in row.get("arenas", [{}])[0] for row in rows)
    return "\n".join(
        (
            f"{len(rows)} files: " + ", ".join(f"{count} {name}" for name, count in counts.most_common()),
            f"{runs} run in TFLM; with something wrong: {sum(bool(problems(row)) for row in rows)}",
            f"totals equal to those predicted: {sum(share == 0 for share in off)} of {len(off)};"
            f" the largest difference is {max(off, default=0):.2%}",
            f"to declare: predicted by {min(above, default=0)} to {max(above, default=0)} bytes more",
        )
    )


if __name__ == "__main__":
    main()
