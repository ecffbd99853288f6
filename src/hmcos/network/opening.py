"""Open a network: a file, a zoo name, a model in memory, or a problem."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from time import perf_counter

from hmcos.errors import ModelError, OptionError, SizeError
from hmcos.files import read_ordinary
from hmcos.frontends.format import Format, Loadable, OffsetsInFiles
from hmcos.frontends.loading import borrow, format_called, format_of, load
from hmcos.frontends.model import Model
from hmcos.graph.graph import Tensor
from hmcos.memory.instance import FORMAT as INSTANCE
from hmcos.memory.instance import read_instance
from hmcos.memory.problem import Problem
from hmcos.plan.plan import Source
from hmcos.zoo.catalogue import build

ZOO = "zoo:"

Readable = Loadable
"""What a frontend can read; names of the zoo are turned into models first."""

Openable = Readable | Model | Problem
"""What `schedule`, `inspect` and `compare` accept as their model."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A network (a model or a problem) and its source."""

    source: Source
    model: Model | None
    """None for a problem."""
    problem: Problem | None
    """None for a model."""
    path: Path | None = None
    """The file; None for a source in memory or in the zoo."""
    seconds: float = 0.0
    """The seconds that opening took."""

    @property
    def content(self) -> Model | Problem:
        """The model or the problem."""
        content = self.problem if self.model is None else self.model
        assert content is not None, "an opened network is a model or a problem"
        return content

    @property
    def format(self) -> Format | None:
        """The format that reads and writes the model; None for a problem."""
        return None if self.model is None else format_called(self.model.format)

    @property
    def offsets(self) -> OffsetsInFiles | None:
        """How its file holds the offsets of an arena; None if it cannot, and for a problem."""
        return None if self.format is None or self.model is None else self.format.offsets_for(self.model)

    @property
    def stem(self) -> str:
        """The stem of the files that are written for the network."""
        if self.path is not None:
            return self.path.stem
        name = self.source.name
        return name.removeprefix(ZOO) if name.startswith(ZOO) else "model"

    @property
    def files(self) -> tuple[Path, ...]:
        """The source and its data files, which must never be overwritten."""
        if self.path is None:
            return ()
        beside = () if self.model is None else self.model.data_files
        return (self.path, *(self.path.parent / file for file in beside))


def open_source(
    source: Openable, bind: Mapping[str, int] | None = None, *, numbers_only: bool = False
) -> Opened:
    """Open a path, a zoo name, a model or a problem, and return the network.

    With `numbers_only` it will be lowered at once and not be used otherwise. A model in memory is then not
    copied, and has no digests.

    Raises:
        ModelError: the model cannot be read or scheduled.
        InstanceError: the file of a problem is wrong.
        OptionError: no network of the zoo has this name, or `bind` does not match the network.
    """
    begun = perf_counter()
    opened = _opened(source, bind, borrow if numbers_only else load)
    return replace(opened, seconds=perf_counter() - begun)


_Load = Callable[[Readable, Mapping[str, int] | None], Model]


def _opened(source: Openable, bind: Mapping[str, int] | None, load: _Load) -> Opened:
    if isinstance(source, Problem):
        _refuse_symbols("<problem>", bind)
        return Opened(Source("<problem>", INSTANCE), None, source)
    if (
        isinstance(source, str | PathLike)
        and not fspath(source).startswith(ZOO)
        and Path(source).suffix.lower() == ".json"
    ):
        return _open_instance(Path(source), bind)
    if isinstance(source, Model):
        _refuse_symbols("a model that is loaded already", bind)
        return _of_model(fspath(source.path) if source.path else "<model>", source)
    name, to_read = readable(source)
    return _of_model(name, _loaded(to_read, bind, load))


def _loaded(source: Readable, bind: Mapping[str, int] | None, load: _Load) -> Model:
    """Return a model; a runtime, if installed, is asked for sizes that are unknown otherwise."""
    try:
        return load(source, bind)
    except SizeError:
        form = format_of(source)
        by, told = _LITERT if form.name == "tflite" else _ONNX_RUNTIME
        content = form.question(source, bind)
        try:
            sizes = None if content is None else told(content)
            sizes = form.complete(source, bind, sizes, told) if sizes else None
        except ModelError as refusal:
            raise ModelError(f"{readable(source)[0]}: {refusal}") from None
        if not sizes:
            raise
        return form.told(source, bind, sizes, by)


def _told_by_onnxruntime(content: bytes) -> Mapping[str, Tensor]:
    from hmcos.runtimes.onnxruntime.asking import is_installed, told  # noqa: PLC0415 (it imports onnx)

    return told(content) if is_installed() else {}


def _told_by_litert(content: bytes) -> Mapping[str, Tensor]:
    from hmcos.runtimes.tflite.asking import told  # noqa: PLC0415 (few models need it)

    return told(content)


_ONNX_RUNTIME = ("ONNX Runtime", _told_by_onnxruntime)
_LITERT = ("LiteRT", _told_by_litert)


def readable(source: Readable) -> tuple[str, Readable]:
    """Return the name of a source and what a frontend can read; a zoo name becomes a model."""
    if not isinstance(source, str | PathLike):
        return "<model>", source
    name = fspath(source)
    return name, build(name.removeprefix(ZOO)) if name.startswith(ZOO) else source


def _open_instance(path: Path, bind: Mapping[str, int] | None) -> Opened:
    _refuse_symbols(str(path), bind)
    problem = read_instance(path)
    digest = hashlib.sha256(read_ordinary(path)).hexdigest()
    source = Source(str(path), INSTANCE, digest, digest, absolute=str(path.absolute()))
    return Opened(source, None, problem, path)


def _of_model(name: str, model: Model) -> Opened:
    source = Source(
        name=name,
        format=model.format,
        sha256=model.sha256,
        original_sha256=model.original_sha256,
        inlined=model.inlined,
        bind=model.bind,
        absolute=str(model.path.absolute()) if model.path is not None else "",
        notes=model.notes,
    )
    return Opened(source, model, None, model.path)


def _refuse_symbols(name: str, bind: Mapping[str, int] | None) -> None:
    if bind:
        raise OptionError(
            f"{name} has no symbolic dimensions left to bind, so {', '.join(bind)} cannot be bound"
        )
