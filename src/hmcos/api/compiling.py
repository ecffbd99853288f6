"""Compile networks to C."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path

from hmcos.backends.c.naming import Kernels, Naming, name_for
from hmcos.errors import OptionError
from hmcos.limits import SILENCE, Observer, Status, Watch, never
from hmcos.network.opening import Openable, open_source
from hmcos.report.page.page import is_foreign
from hmcos.report.page.rows_page import page_beside, rows_page_text
from hmcos.streaming.program import Feeding, Rows
from hmcos.tasks.compile.compiling import Compiled, CompileRequest, check_format, compiled
from hmcos.tasks.compile.places import code_places, plan_beside, save
from hmcos.tasks.request import chosen_limits


def compile_c(  # noqa: PLR0913 (one keyword per option of the command line, so that both say the same)
    model: Openable,
    rows: Rows | None = None,
    *,
    name: str | None = None,
    kernels: str = "plain",
    bind: Mapping[str, int] | None = None,
    flash_section: str = "",
    ram_section: str = "",
    time_limit: float | None = None,
    budget: int | None = None,
    output: str | PathLike[str] | None = None,
    overwrite: bool = False,
    compares: bool = True,
    observer: Observer = SILENCE,
    interrupted: Callable[[], bool] = never,
) -> Compiled:
    """Return an int8 network as one C file that computes it row by row, with the plan that it follows.

    `model` is a .tflite file, or the result of `load`. `rows` says how the input arrives: whole, or with
    `Rows("rows")` row by row, so that it is never in memory as a whole. The code's functions begin with
    `name`, by default that of the output file or else of the model; `flash_section` and `ram_section` are
    sections of the linker for constants and for the arena. `kernels` says whose functions compute rows:
    "plain", those in the code, or "cmsis-nn", Arm's, which the firmware has to have. `bind` gives sizes to
    dimensions of inputs that the file leaves open, by INPUT:AXIS. The search for less memory stops after
    `time_limit` seconds or when `interrupted()` is true, and the best so far is the result. `output` is the
    .c file to write, such as eyes.c, with NAME.h, eyes.plan.json and eyes.html beside it, all or none; None
    writes nothing. Results of another source, and files that hmcos did not make, are only replaced if
    `overwrite` is true. With a `budget` in bytes, files are written only if the arena is within it;
    `Compiled.answer` says whether it is. `compares=False` leaves out what whole operators need. `observer` is
    called with the progress of the search. Sizes are in bytes. The result has the bits of TFLM's reference
    kernels.

    Example:
        >>> code = hmcos.compile_c("keywords.tflite", output="firmware/keywords.c")  # doctest: +SKIP
        >>> code.arena, code.plan.status                                            # doctest: +SKIP
        (3738, <Status.OPTIMAL: 'optimal'>)

    Raises:
        ModelError: the model cannot be compiled: floats or types other than int8 and uint8 in the middle,
            several subgraphs, a kind of operator that is missing; names it and the way out.
        HmcosError: another of its subclasses for any other wrong input.
    """
    watch = Watch(observer, interrupted)
    limits = replace(chosen_limits(time_limit, budget=budget), budget=None)
    wanted = checked(rows or Rows())
    check_format(model)
    opened = open_source(model, bind)
    file = None if output is None else Path(output)
    if kernels not in tuple(Kernels):
        raise OptionError(f"kernels are {' or '.join(Kernels)}, not {kernels!r}")
    stem = opened.stem if file is None else file.stem
    naming = Naming(name_for(stem) if name is None else name, flash_section, ram_section)
    places = None
    if file is not None:
        page = page_beside(plan_beside(file))
        shown = None if not overwrite and is_foreign(page) else page.name
        places = code_places(opened, file, naming.name, page=shown, overwrite=overwrite)
    request = CompileRequest(naming, wanted, limits, compares, Kernels(kernels))
    result = compiled(opened, request, watch)
    is_wanted = budget is None or result.answer(budget) is Status.FITS
    return result if places is None or not is_wanted else save(result, places, rows_page_text)


def checked(rows: Rows) -> Rows:
    """Return how rows arrive and lie, with the word for the input as a `Feeding`.

    Raises:
        OptionError: there is no such word, or the alignment is not a power of 2 up to 4,096.
    """
    if rows.input not in tuple(Feeding):
        raise OptionError(f"an input comes {' or by '.join(Feeding)}, not {rows.input!r}")
    if rows.alignment not in [1 << k for k in range(13)]:
        raise OptionError(f"an alignment of rows is a power of 2 up to 4,096, not {rows.alignment}")
    return replace(rows, input=Feeding(rows.input))
