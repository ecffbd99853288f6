"""Lives in files: MiniMalloc's CSV format, and a JSON format that holds the whole input of a planner.

CSV has the columns `id,lower,upper,size` and optionally `alignment` and `gaps` (such as `2-4 6-9`) for a life
of the steps [lower, upper); other columns are ignored. JSON:

    {"format": "hmcos-lives/1", "alignment": bytes,
     "pools": [{"name": text, "capacity": bytes}, ...],
     "lives": [{"id": text, "birth": step, "death": step, "size": bytes,
                "takes_over": index, "alignment": bytes, "offset": bytes, "external": true,
                "gaps": [[step, step], ...], "pools": [index, ...]}, ...]}

Each life needs id, birth, death and size. All other keys are optional, as are `alignment` and `pools`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from hmcos.allocation.lives import Demand, Lives, Pool
from hmcos.errors import InstanceError
from hmcos.memory.instance import parse_json
from hmcos.memory.lifetimes import Life
from hmcos.plan.arena import Arena

FORMAT = "hmcos-lives/1"
COLUMNS = ("id", "lower", "upper", "size")

_LIFE_KEYS = (
    "id",
    "birth",
    "death",
    "size",
    "takes_over",
    "alignment",
    "offset",
    "external",
    "gaps",
    "pools",
)


@dataclass(frozen=True, slots=True)
class Instance:
    """Lives with the names that a file gives them."""

    names: tuple[str, ...]
    lives: Lives


def read_lives(path: str | Path) -> Instance:
    """Return the lives in a file: JSON if its name ends in .json, CSV otherwise.

    Raises:
        InstanceError: the file cannot be read or breaks a rule.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InstanceError(f"{path}: cannot be read as lives: {reason}") from error
    parse = parse_json_lives if Path(path).suffix.lower() == ".json" else parse_csv
    return parse(text, str(path))


def parse_csv(text: str, file: str = "instance") -> Instance:
    """Return the lives of a text in MiniMalloc's format; errors name it `file`.

    Raises:
        InstanceError: a column is missing, a value is not a number, a life or size is empty, or an id is
            repeated.
    """
    # Keep the line ends as they are: the CSV reader knows "\r\n" and "\r", and which are part of an id.
    rows = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
    try:
        return _instance(rows, file)
    except csv.Error as error:
        raise InstanceError(f"{file}:{rows.line_num}: not CSV: {error}") from error


def _instance(rows: csv.DictReader[str], file: str) -> Instance:
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise InstanceError(
            f"{file}: column {missing[0]!r} is missing; the first line must name {','.join(COLUMNS)}"
        )
    names: dict[str, None] = {}
    lives: list[Life] = []
    demands: list[Demand] = []
    for row in rows:
        where = f"{file}:{rows.line_num}"
        life, demand = _row(row, where)
        if row["id"] in names:
            raise InstanceError(f"{where}: id {row['id']!r} appears twice")
        names[row["id"]] = None
        lives.append(life)
        demands.append(demand)
    return Instance(tuple(names), _checked(file, tuple(lives), tuple(demands)))


def _row(row: Mapping[str, str | None], where: str) -> tuple[Life, Demand]:
    if row["id"] is None:
        raise InstanceError(f"{where}: the line ends before its id")
    lower, upper = _number(row["lower"], "lower", where), _number(row["upper"], "upper", where)
    size = _number(row["size"], "size", where)
    if lower >= upper or lower < 0:
        raise InstanceError(f"{where}: {row['id']!r} lives in [{lower}, {upper}), which is empty or negative")
    if size < 1:
        raise InstanceError(f"{where}: {row['id']!r} has {size} bytes; a size is at least 1")
    gaps: list[tuple[int, int]] = []
    for gap in (row.get("gaps") or "").split():
        begin, _, end = gap.partition("-")
        gaps.append((_number(begin, "gaps", where), _number(end, "gaps", where)))
    alignment = _number(row.get("alignment") or "1", "alignment", where)
    return Life(lower, upper, size, None), Demand(alignment=alignment, gaps=tuple(gaps))


def _number(text: str | None, column: str, where: str) -> int:
    try:
        return int(text or "")
    except ValueError:
        raise InstanceError(f"{where}: {column} is {(text or '')[:40]!r}, not an integer") from None


def _checked(
    file: str,
    lives: tuple[Life, ...],
    demands: tuple[Demand, ...],
    alignment: int = 1,
    pools: tuple[Pool, ...] = (),
) -> Lives:
    asked = demands if any(demand != Demand() for demand in demands) else ()
    try:
        return Lives(lives, alignment, asked, pools)
    except InstanceError as error:
        raise InstanceError(f"{file}: {error}") from None


def write_csv(instance: Instance, arena: Arena | None = None) -> str:
    """Return lives in MiniMalloc's format, with a column `offset` if an arena is given.

    Raises:
        InstanceError: the lives have demands that CSV has no column for.
    """
    check_csv(instance, placed=arena is not None)
    lives = instance.lives
    demands = [lives.demand(i) for i in range(len(lives.lives))]
    extra = {
        "alignment": [d.alignment for d in demands] if any(d.alignment > 1 for d in demands) else None,
        "gaps": [_gap_text(d.gaps) for d in demands] if any(d.gaps for d in demands) else None,
        "offset": list(arena.offsets) if arena else None,
    }
    shown = {column: values for column, values in extra.items() if values is not None}
    lines = [_line([*COLUMNS, *shown])]
    for i, (name, life) in enumerate(zip(instance.names, lives.lives, strict=True)):
        asked = [values[i] for values in shown.values()]
        lines.append(_line([name, life.birth, life.death, life.size, *asked]))
    return "".join(lines)


def _line(values: Sequence[object]) -> str:
    out = io.StringIO()
    # A reader takes "\r" and "\n" as line ends. The writer quotes only those of its own line end: use both.
    csv.writer(out, lineterminator="\r\n").writerow(values)
    return out.getvalue().removesuffix("\r\n") + "\n"


def check_csv(instance: Instance, *, placed: bool) -> None:
    """Check that CSV can hold all that the lives ask for; pins become offsets if the lives are `placed`.

    Raises:
        InstanceError: there are pools, a common alignment, lives taken over, external lives, pins without
            offsets, or names that are not Unicode text.
    """
    lives = instance.lives
    beyond = "pools" if lives.pools else "a common alignment" if lives.alignment > 1 else None
    if beyond is not None:
        raise InstanceError(f"CSV has no column for {beyond}; write JSON instead")
    for i, (name, life) in enumerate(zip(instance.names, lives.lives, strict=True)):
        demand = lives.demand(i)
        asked = {
            "takes over another one": life.takes_over is not None,
            "is supplied from outside": demand.external,
            "is pinned": demand.offset is not None and not placed,
            "is no Unicode text": not _is_text(name),
        }
        beyond = next((words for words, so in asked.items() if so), None)
        if beyond is not None:
            raise InstanceError(f"{name!r} {beyond}, which CSV has no column for; write JSON instead")


def _is_text(name: str) -> bool:
    """Return whether a name can be written as UTF-8: JSON can hold lone surrogates, which cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _gap_text(gaps: Sequence[tuple[int, int]]) -> str:
    return " ".join(f"{begin}-{end}" for begin, end in gaps)


def parse_json_lives(text: str, file: str = "instance") -> Instance:
    """Return the lives of a JSON text; errors name it `file`.

    Raises:
        InstanceError: the text breaks a rule of the format; names life and key.
    """
    data = _mapping(parse_json(text, file), file, ("format", "alignment", "pools", "lives"))
    if data.get("format") != FORMAT:
        raise InstanceError(f"{file}: format is not {FORMAT!r}")
    pools = tuple(_pool(row, f"{file}: pools") for row in _list(data.get("pools", []), f"{file}: pools"))
    names: dict[str, None] = {}
    lives: list[Life] = []
    demands: list[Demand] = []
    for i, row in enumerate(_list(data.get("lives"), f"{file}: lives")):
        where = f"{file}: life {i}"
        fields = _mapping(row, where, _LIFE_KEYS)
        name = fields.get("id")
        if not isinstance(name, str) or name in names:
            raise InstanceError(f"{where}: id {name!r} is not text, or appears twice")
        names[name] = None
        birth, death, size = (
            _integer(fields.get(key), f"{where}: {key}") for key in ("birth", "death", "size")
        )
        over = fields.get("takes_over")
        lives.append(
            Life(
                birth,
                death,
                size,
                None,
                None,
                None if over is None else _integer(over, f"{where}: takes_over"),
            )
        )
        demands.append(_demand(fields, where))
    alignment = _integer(data.get("alignment", 1), f"{file}: alignment")
    return Instance(tuple(names), _checked(file, tuple(lives), tuple(demands), alignment, pools))


def _pool(row: object, where: str) -> Pool:
    fields = _mapping(row, where, ("name", "capacity"))
    return Pool(str(fields.get("name")), _integer(fields.get("capacity"), f"{where}: capacity"))


def _demand(fields: Mapping[str, object], where: str) -> Demand:
    offset, external = fields.get("offset"), fields.get("external", False)
    if not isinstance(external, bool):
        raise InstanceError(f"{where}: external is not true or false")
    gaps: list[tuple[int, int]] = []
    for gap in _list(fields.get("gaps", []), f"{where}: gaps"):
        ends = [_integer(end, f"{where}: gaps") for end in _list(gap, f"{where}: gaps")]
        if len(ends) != 2:
            raise InstanceError(f"{where}: gaps has an entry that is not a pair of steps")
        gaps.append((ends[0], ends[1]))
    return Demand(
        alignment=_integer(fields.get("alignment", 1), f"{where}: alignment"),
        offset=None if offset is None else _integer(offset, f"{where}: offset"),
        external=external,
        gaps=tuple(gaps),
        pools=tuple(
            _integer(k, f"{where}: pools") for k in _list(fields.get("pools", []), f"{where}: pools")
        ),
    )


def _mapping(value: object, where: str, known: Sequence[str]) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise InstanceError(f"{where}: not a JSON object")
    fields = cast(dict[str, object], value)
    for key in fields:
        if key not in known:
            raise InstanceError(f"{where}: unknown key {key[:40]!r}; known are {', '.join(known)}")
    return fields


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise InstanceError(f"{where} is not a list")
    return cast(list[object], value)


def _integer(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InstanceError(f"{where} is not an integer")
    return value


def write_json_lives(instance: Instance) -> str:
    """Return the JSON text of lives, one line per life; equal instances give equal texts."""
    lives = instance.lives
    pools = [{"name": pool.name, "capacity": pool.capacity} for pool in lives.pools]
    rows = ",\n  ".join(json.dumps(_life_fields(instance, i)) for i in range(len(lives.lives)))
    return (
        f'{{"format": "{FORMAT}",\n "alignment": {lives.alignment},\n "pools": {json.dumps(pools)},\n'
        f' "lives": [{rows}]}}\n'
    )


def _life_fields(instance: Instance, i: int) -> dict[str, object]:
    life, demand = instance.lives.lives[i], instance.lives.demand(i)
    fields: dict[str, object] = {
        "id": instance.names[i],
        "birth": life.birth,
        "death": life.death,
        "size": life.size,
        "takes_over": life.takes_over,
        "alignment": demand.alignment if demand.alignment > 1 else None,
        "offset": demand.offset,
        "external": demand.external or None,
        "gaps": demand.gaps or None,
        "pools": demand.pools or None,
    }
    return {key: value for key, value in fields.items() if value is not None}
