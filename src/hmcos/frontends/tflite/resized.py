"""Load a model, with sizes for the dimensions that its file leaves open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from os import PathLike
from pathlib import Path

from hmcos.errors import HmcosError, ModelError, OptionError, OutputError, SizeError
from hmcos.frontends.model import Model
from hmcos.frontends.model_file import read_model_file
from hmcos.frontends.outline import Outline, Port
from hmcos.frontends.tflite.behind import NOT_IN_TFLM, is_behind
from hmcos.frontends.tflite.bounded import completed, feed
from hmcos.frontends.tflite.offsets import set_offsets
from hmcos.frontends.tflite.operator_codes import kind_of
from hmcos.frontends.tflite.reading import LARGEST_FILE, check_readable, model_in, model_of, parse
from hmcos.frontends.tflite.schema import ELEMENTS, ModelT, bytes_of, integers, text, words
from hmcos.frontends.tflite.sizes import (
    InputSizes,
    Shape,
    ask,
    bounds_in,
    check_bound,
    fix,
    has_data,
    is_settled,
    open_axes,
    settle,
)
from hmcos.frontends.tflite.writing import pack, packed_as
from hmcos.graph.graph import Tensor
from hmcos.graph.strings import string_notes
from hmcos.words import human


def load(
    source: str | PathLike[str],
    bind: Mapping[str, int] | None = None,
    told: Mapping[str, Tensor] | None = None,
    *,
    told_by: str = "",
) -> Model:
    """Return the model in a TensorFlow Lite file: its first subgraph, and those that its operators run.

    `bind` gives sizes to the open dimensions of inputs, by INPUT:AXIS. `told` are the tensors of the model at
    these sizes, by `SUBGRAPH:TENSOR`, from the runtime `told_by`; the source of the model is then the file
    with these sizes, so that nothing in it is open.

    Raises:
        ModelError: the file is not such a model, or cannot be scheduled; names the file, the operator and
            the tensor.
        SizeError: an open dimension is not bound, or no runtime told the sizes that follow.
        OptionError: `bind` names an unknown dimension, or a size that is not positive.
        ToolError: the package with the schema is not installed.
    """
    path = Path(source)
    try:
        content = _content(path)
        file = parse(content)
        check_readable(file)
        sizes = settle(file, bind or {})
        check_bound(sizes)
        notes = tuple(_assumed(file))
        if is_settled(file, sizes):
            model = model_of(file, content, path)
            return _of(model, content, sizes.without_defaults(bind or {}), notes)
        model = model_in(_fixed(content, file, sizes, told), path, bounds_in(told or {}))
        asked = f"{told_by} was asked for the sizes of tensors that the file leaves open"
        return _of(model, content, sizes, (*notes, asked))
    except (ModelError, OptionError, OutputError) as error:
        raise _in_file(error, path) from error.__cause__


def _content(path: Path) -> bytes:
    return read_model_file(path, LARGEST_FILE, f"is larger than {human(LARGEST_FILE)}, the most that is read")


def _in_file(error: HmcosError, path: Path) -> HmcosError:
    return type(error)(f"{path}: {' '.join(str(error).split())}")


def _assumed(file: ModelT) -> Iterator[str]:
    if is_behind(file):
        yield NOT_IN_TFLM


def _of(model: Model, content: bytes, sizes: InputSizes, notes: tuple[str, ...]) -> Model:
    """Return the model as one of the file that it was read from; its operators have the same numbers."""
    digest = sha256(content).hexdigest()
    notes = (*sizes.notes, *notes, *string_notes(model.graph))
    if model.graph.is_bounded:
        notes = (*notes, "sizes that depend on data count as much as they can be")
    if model.graph.has_strings or model.graph.is_bounded:
        notes = (*notes, "sizes are known only when it runs, so the file gets no offsets")
    return replace(
        model,
        graph=replace(model.graph, symbols=sizes.symbols),
        sha256=digest,
        original_sha256=digest,
        bind=sizes.bind,
        file_bytes=len(content),
        notes=notes,
    )


def _fixed(content: bytes, file: ModelT, sizes: InputSizes, told: Mapping[str, Tensor] | None) -> bytes:
    """Return the bytes of a file with fixed sizes, without offsets: they were for other sizes."""
    if told is None:
        raise SizeError(_needs_runtime(file))
    fix(file, sizes, told)
    set_offsets(file, None)
    return packed_as(file, content)


def _needs_runtime(file: ModelT) -> str:
    tensors = [t for graph in file.subgraphs or [] for t in enumerate(graph.tensors or [])]
    shown = next((f"tensor {i} ({text(t.name)!r}): " for i, t in tensors if open_axes(t)), "")
    return (
        f"{shown}has a dynamic shape, and only LiteRT tells the sizes that follow; install it with "
        "pip install 'hmcos[tflite]', or convert the model with fixed sizes"
    )


def question(source: str | PathLike[str], bind: Mapping[str, int] | None) -> bytes | None:
    """Return the model with the sizes of its inputs, to ask a runtime for all others; None if some lack."""
    file = parse(_content(Path(source)))
    sizes = settle(file, bind or {})
    if sizes.unbound:
        return None
    ask(file, sizes)
    set_offsets(file, None)
    return pack(file)


def complete(
    source: str | PathLike[str],
    bind: Mapping[str, int] | None,
    told: Mapping[str, Tensor],
    ask_again: Callable[[bytes], Mapping[str, Tensor]],
) -> Mapping[str, Tensor]:
    """Return what a runtime told, with bounds for sizes that depend on data, and what it tells then."""
    content = _content(Path(source))
    file = parse(content)
    sizes = settle(file, bind or {})

    def fed(bounds: Mapping[int, Shape]) -> Mapping[str, Tensor]:
        asked = parse(content)
        ask(asked, sizes)
        feed(asked, bounds)
        set_offsets(asked, None)
        return ask_again(pack(asked))

    return completed(file, sizes, told, fed)


def outline(source: str | PathLike[str], bind: Mapping[str, int]) -> Outline:
    """Return the outline of a model that `load` could read up to its unknown sizes."""
    file = parse(_content(Path(source)))
    sizes = settle(file, bind)
    main = (file.subgraphs or [])[0]
    kinds = Counter(kind_of(file, number, op)[0] for number, op in enumerate(main.operators or []))
    constants = [
        t
        for graph in file.subgraphs or []
        for t in graph.tensors or []
        if not t.isVariable and has_data(file, t)
    ]
    buffers = file.buffers or []
    return Outline(
        inputs=tuple(_port(file, t, sizes.shapes[t]) for t in sizes.shapes),
        outputs=tuple(
            _port(file, t, None) for t in integers(main.outputs) if 0 <= t < len(main.tensors or [])
        ),
        kinds=dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0]))),
        parameters=len(constants),
        parameter_bytes=sum(bytes_of(buffers[b]) for b in {t.buffer for t in constants}),
        symbols=sizes.symbols,
        bound=frozenset(sizes.bind),
    )


def _port(file: ModelT, number: int, shape: tuple[int | str, ...] | None) -> Port:
    tensor = ((file.subgraphs or [])[0].tensors or [])[number]
    element = ELEMENTS.get(words("TensorType").get(tensor.type, ""), ("", 0))[0]
    if shape is None:
        opened = open_axes(tensor)
        shape = tuple("?" if axis in opened else n for axis, n in enumerate(integers(tensor.shape)))
    return Port(text(tensor.name), element, shape)
