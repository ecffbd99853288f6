"""Check generated code and its plan against the model: by counting, and by compiling and running it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from hmcos.backends.c.cmsis_library import linked
from hmcos.backends.c.cortex_m import built, check_installed, emulated
from hmcos.backends.c.generating import Generated, generate
from hmcos.backends.c.harness import SANITIZERS, WARNINGS, Compiler, build, compiler, main_of, run
from hmcos.backends.c.naming import Kernels, Naming
from hmcos.backends.c.poisoning import poisoned_main
from hmcos.backends.c.tensors import Source
from hmcos.errors import LimitError, NotRunError, OptionError, PlanError, ToolError, VerifyError
from hmcos.files import read_ordinary
from hmcos.folders import temporary_folder
from hmcos.frontends.feeding import own_inputs
from hmcos.frontends.loading import format_called
from hmcos.frontends.model import Model
from hmcos.network.opening import Openable, open_source
from hmcos.network.results import digest_of
from hmcos.plan.file.row_file import is_row_plan, read_row_plan
from hmcos.plan.row_plan import RowPlan
from hmcos.processes import Allowance
from hmcos.runtimes.tflite.litert import is_installed
from hmcos.streaming.program import RowProgram
from hmcos.tasks.compile.compiling import check_format
from hmcos.tasks.compile.places import OLD_PLAN, plan_beside
from hmcos.tasks.compile.row_planning import program_of_plan
from hmcos.tasks.verify.run_options import Running
from hmcos.tasks.verify.tflite_trial import ENGINES, TfliteTrial
from hmcos.verify.checks import Answer, Check, Verification, attempt
from hmcos.verify.plan_checks import check_source
from hmcos.verify.rows.row_checks import check_header, check_row_plan

CODE = ".c"
_OTHERWISE = frozenset({"FULLY_CONNECTED", "LOGISTIC", "MUL", "PRELU", "RELU6", "SUB", "SUM", "TANH"})
"""Kinds that LiteRT's reference kernels round, scale or tabulate in another way than those of TFLM."""
_AGAIN = "run hmcos compile on the model again"
_EMPTY = "#include <stdint.h>\n#include <stdio.h>\n#include <string.h>\nint main(void) { return 0; }\n"


def is_code(result: object) -> bool:
    """Return whether what is to be verified is generated code, or the plan of such code."""
    if isinstance(result, RowPlan):
        return True
    if not isinstance(result, str | os.PathLike):
        return False
    path = Path(cast("str | os.PathLike[str]", result))
    return path.suffix.lower() == CODE or (path.suffix.lower() == ".json" and is_row_plan(path))


def verify_code(model: Openable, result: str | os.PathLike[str] | RowPlan, running: Running) -> Verification:
    """Return all checks of generated code, or of its plan.

    Only code that this version of hmcos makes of the plan, byte by byte, is compiled and run.

    Raises:
        HmcosError: one of its subclasses for any wrong input; what does not hold is a failed check.
    """
    plan, title = _plan(result)
    check_format(model)
    try:
        opened = open_source(model, plan.source.bind or None)
    except ToolError as error:  # the reader of TensorFlow Lite models is part of a runtime
        return Verification(str(model), title, (Check("source", Answer.NOT_RUN, str(error)),))
    name, source = opened.source.name, check_source(opened.source, plan)
    if not source.held:
        return Verification(name, title, (source,))
    assert opened.model is not None, "only models are compiled"
    proving = _Proving(opened.model, plan, running)
    return Verification(name, title, (source, *proving.checks()))


def _plan(result: str | os.PathLike[str] | RowPlan) -> tuple[RowPlan, str]:
    """Return the plan, and a name for what is verified."""
    if isinstance(result, RowPlan):
        return result, "the plan"
    path = Path(result)
    if path.suffix.lower() != CODE:
        return read_row_plan(path), str(path)
    if not os.path.isfile(path):  # noqa: PTH113 (unlike Path.is_file, this takes any name)
        raise PlanError(f"{path}: does not exist or is not a file; name the C file that hmcos compile wrote")
    place, old = plan_beside(path), path.with_name(OLD_PLAN)
    if not os.path.isfile(place):  # noqa: PTH113
        if not is_row_plan(old):
            raise PlanError(f"{path}: there is no {place.name} beside it, the plan of the code; {_AGAIN}")
        place = old
    plan = read_row_plan(place)
    if path.name not in plan.files.sha256:
        raise PlanError(f"{path}: the {place.name} beside it is not of this file; {_AGAIN}")
    return plan, str(path)


@dataclass
class _Proving:
    model: Model
    plan: RowPlan
    running: Running

    def checks(self) -> list[Check]:
        """Return the checks; the code is only run if all that was counted holds."""
        files = attempt("files", self._files)
        found = [files] if self.plan.files.sha256 else []
        if not files.held:
            return found
        rules = format_called(self.model.format).rows(self.model)
        found += check_row_plan(self.model.graph, rules, self.plan)
        if not all(check.held for check in found):
            return found
        found.append(attempt("code", self._code))
        if found[-1].held:
            with temporary_folder() as folder:
                found += self._runs(folder)
        return found

    @property
    def _folder(self) -> Path | None:
        return None if self.plan.file is None else Path(self.plan.file).parent

    def _files(self) -> str:
        """Check that the files beside the plan are those that were written with it."""
        there: list[str] = []
        for name, digest in self.plan.files.sha256.items():
            made = None if self._folder is None else digest_of(self._folder / name)
            if made not in (None, digest):
                raise VerifyError(f"{name}: was changed since it was written with the plan; {_AGAIN}")
            there += [name] if made else []
        return f"{', '.join(there) or 'none beside the plan'}: as they were written with the plan"

    @cached_property
    def _naming(self) -> Naming:
        try:
            return Naming(self.plan.name, *self.plan.sections)
        except OptionError as error:
            raise VerifyError(f"name, sections: {error}") from error

    @cached_property
    def _program(self) -> RowProgram:
        try:
            return program_of_plan(self.model, self.plan)
        except PlanError as error:
            raise NotRunError(str(error)) from error

    @cached_property
    def _generated(self) -> Generated:
        return generate(self.model, self._program, self._naming, Kernels(self.plan.kernels))

    def _code(self) -> str:
        """Check that the files are what the plan gives, and the numbers of the header those of the plan."""
        made = self._generated
        numbers = check_header(made.header, self.plan)
        # By what is beside the plan: a plan that names no code, or another, must not let changed code pass.
        names = dict.fromkeys((*self.plan.files.sha256, f"{self.plan.name}.h"))
        texts = ((name, made.source if name.lower().endswith(CODE) else made.header) for name in names)
        same = " and ".join(name for name, text in texts if self._same(name, text))
        if dict(made.flash) != dict(self.plan.flash):
            raise VerifyError(f"flash: is {dict(self.plan.flash)} in the plan, but {dict(made.flash)}")
        if made.scratch_sizes != dict(self.plan.scratch):
            raise VerifyError(f"scratch: is {dict(self.plan.scratch)} in the plan, but {made.scratch_sizes}")
        which = f"{same}: what the plan gives" if same else "made again from the plan: no file is beside it"
        return f"{which}; {numbers}"

    def _same(self, name: str, text: str) -> str:
        """Check that a file beside the plan has a text; return its name, or nothing if there is none."""
        if self._folder is None:
            return ""
        file = self._folder / name
        if digest_of(file) is None:
            return ""
        if read_ordinary(file) != text.encode():
            raise NotRunError(
                f"{file.name}: is not what this version makes of the plan, so it is not run; {_AGAIN}"
            )
        return file.name

    # -- By running -----------------------------------------------------------------------------------------

    def _runs(self, folder: Path) -> list[Check]:
        found: list[Compiler] = []
        checks = [attempt("compiler", lambda: self._compiler(folder, found))]
        if not found:
            return checks
        checks.append(attempt("outputs", lambda: self._outputs(folder)))
        if checks[-1].held:
            checks.append(attempt("sanitizers", lambda: self._sanitized(folder, found[0])))
            checks.append(attempt("Cortex-M4", lambda: self._on_cortex_m(folder / "cortex-m")))
        return checks

    def _compiler(self, folder: Path, found: list[Compiler]) -> str:
        """Check that there is a compiler that works, and that it compiles the code without a warning."""
        one = compiler(self.running.cc)
        self._built(folder / "empty", _EMPTY, one, "a program of nothing")
        one = self._with_library(folder / "library", one, ("-O2",))
        found.append(one)
        try:
            self._built(folder / "main", main_of(self._program, self._naming), one, "the code")
        except NotRunError as error:
            found.clear()
            raise VerifyError(str(error)) from error
        return f"{one.path}: compiles it as C99 with -O2 -Wall -Wextra, without a warning"

    def _with_library(self, folder: Path, with_: Compiler, flags: tuple[str, ...]) -> Compiler:
        """Return a compiler that finds CMSIS-NN, if the code calls it."""
        if self.plan.kernels != Kernels.CMSIS_NN:
            return with_
        if self.running.cmsis_nn is None:
            raise NotRunError("the code calls CMSIS-NN; name the folder of that library with --cmsis-nn")
        return replace(with_, linked=linked(self.running.cmsis_nn, folder, with_, flags))

    def _built(self, folder: Path, main: str, with_: Compiler, what: str) -> Path:
        folder.mkdir()
        try:
            return build(self._generated, self._naming, main, folder, with_)
        except NotRunError as error:
            raise NotRunError(f"cannot compile {what}: {error}") from error

    @cached_property
    def _trial(self) -> TfliteTrial:
        held = format_called(self.model.format).offsets
        assert held is not None, "files of TensorFlow Lite hold offsets"
        own = own_inputs(self.model.graph, self.running.inputs or {})
        return TfliteTrial(self.model, held, self.running, own)

    @cached_property
    def _inputs(self) -> list[list[Any]]:
        first = self.running.seed
        return [self._trial.inputs(seed) for seed in range(first, first + self.running.runs)]

    @cached_property
    def _wanted(self) -> tuple[str, list[bytes]]:
        """The runtime whose bits the code has to have, and its outputs."""
        inputs, engine = self._inputs, "litert"
        if is_installed("tflm") and not Source(self.model).has_bits_of_litert:
            engine = "tflm"
        source = self._trial.without_offsets()
        ran = (self._trial.run(engine, source, fed).outputs for fed in inputs)
        return engine, [b"".join(array.tobytes() for array in outputs) for outputs in ran]

    def _outputs(self, folder: Path) -> str:
        """Check the outputs of the program that `_compiler` has made."""
        engine, wanted = self._wanted
        other = self._differing(self._made(folder / "main" / "check-c99"), wanted)
        if other is not None:
            others = sorted(_OTHERWISE & {op.kind for op in self.model.graph.operators})
            if engine == "litert" and others and not Source(self.model).has_bits_of_litert:
                raise NotRunError(
                    f"LiteRT gives other bits, but it reckons {', '.join(others)} in another way than TFLM; "
                    "pip install 'hmcos[tflite-check]' for TFLM"
                )
            raise VerifyError(
                f"an output differs from that of {ENGINES[engine]} for the inputs of seed {other}"
            )
        return f"{self._counted} equal to {ENGINES[engine]} in every bit, for inputs of {len(wanted)} seeds"

    @property
    def _counted(self) -> str:
        many = len(self.plan.outputs)
        return "1 output" if many == 1 else f"{many} outputs"

    def _sanitized(self, folder: Path, with_: Compiler) -> str:
        flags = replace(with_, flags=("-O1", *WARNINGS, *SANITIZERS))
        self._built(folder / "empty-san", _EMPTY, flags, "with -fsanitize=address,undefined")
        # CMSIS-NN shifts negative numbers to the left, which UBSan takes for a fault: ASan only.
        flags = self._with_library(folder / "library-san", flags, ("-O1", "-fsanitize=address"))
        main = poisoned_main(self._program, self._generated, self._naming)
        program = self._built(folder / "san", main, flags, "with sanitizers")
        other = self._differing(self._made(program), self._wanted[1])
        if other is not None:
            raise VerifyError(f"it reads what is dead: overwritten, that changes seed {other}")
        return (
            "ASan and UBSan find nothing, no byte outside of the arena is touched, and overwriting each dead "
            "byte after every step changes no output"
            + "; UBSan does not look into CMSIS-NN"
            * (self.plan.kernels == Kernels.CMSIS_NN)
        )

    def _on_cortex_m(self, folder: Path) -> str:
        """Check the outputs of an emulated processor; return also what the code takes there."""
        check_installed()
        library = self.running.cmsis_nn if self.plan.kernels == Kernels.CMSIS_NN else None
        made = built(self._program, (self._generated, self._naming), folder, library)
        allowance = Allowance(self.running.seconds, self.running.memory)
        found = emulated(self._program, made, self._given, allowance)
        engine, wanted = self._wanted
        other = self._differing(list(found.outputs), wanted)
        if other is not None:
            raise VerifyError(
                f"emulated, an output differs from that of {ENGINES[engine]} for the inputs of seed {other}"
            )
        return (
            f"{self._counted} equal in every bit on an emulated one; with -Os {made.code:,} bytes of code, "
            f"{made.constants:,} of constants, {made.variables:,} of variables beside the arena, and "
            f"{found.stack:,} of stack"
        )

    @cached_property
    def _given(self) -> list[bytes]:
        return [b"".join(cast(bytes, array.tobytes()) for array in fed) for fed in self._inputs]

    def _made(self, program: Path) -> list[bytes]:
        size = sum(self.model.graph.tensors[t].size for t in self.model.graph.outputs)
        try:
            return run(program, self._given, size, self.running.seconds)
        except LimitError as error:
            raise LimitError(f"{error}; raise --time-limit") from error
        except NotRunError as error:
            raise VerifyError(str(error)) from error

    def _differing(self, made: list[bytes], wanted: list[bytes]) -> int | None:
        """Return the first seed with another output; None if there is none."""
        pairs = enumerate(zip(made, wanted, strict=True), self.running.seed)
        return next((seed for seed, (one, other) in pairs if one != other), None)
