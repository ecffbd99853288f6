"""The fused graph that ONNX Runtime makes of a model, with the sizes of its tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from onnx import ModelProto, ValueInfoProto

from hmcos.errors import ModelError, SizeError
from hmcos.frontends.model import Model
from hmcos.frontends.onnx.elements import NUMBERS
from hmcos.frontends.onnx.reading import load
from hmcos.graph.graph import Graph, Tensor
from hmcos.runtimes.onnxruntime.runtime import in_file_order, opened, runtime

LEVELS = {"none": "ORT_DISABLE_ALL", "basic": "ORT_ENABLE_BASIC", "extended": "ORT_ENABLE_EXTENDED"}
"""Value of `optimize` to the name of the level in ONNX Runtime."""
SPELLINGS = {"float": "float32", "double": "float64", "float8e4m3fn": "float8_e4m3fn",
             "float8e4m3fnuz": "float8_e4m3fnuz", "float8e5m2": "float8_e5m2",
             "float8e5m2fnuz": "float8_e5m2fnuz"}  # fmt: skip
"""ONNX Runtime's spelling of element types, where it differs from numpy's."""


def fuse(file: Path, source: Model, level: str, name: str) -> Model:
    """Fuse a file at a level with ONNX Runtime, save the result beside the file, and return it.

    The file is the source in some order. ONNX Runtime saves no sizes, and ONNX infers none through fused
    operators. So a size that is not inferred is taken from the source's tensor of the same name, and those of
    new tensors from ONNX Runtime.

    Raises:
        ModelError: ONNX Runtime refuses the file, or the fused graph cannot be planned; the message names
            `name`, the file that the user knows.
    """
    fused = file.with_name("fused.onnx")
    opened(file, _saving(level, fused), name)
    _drop_idle_inputs(fused, source.graph)
    known = _known(source.graph)
    try:
        try:
            return load(fused, source.bind, known)
        except SizeError:
            return load(fused, source.bind, known | _asked(fused, source.bind, known, name))
    except ModelError as error:
        words = str(error).removeprefix(f"{fused}: ").split(";")[0]
        raise type(error)(
            f"{name}: as ONNX Runtime fuses it (optimize={level!r}), it cannot be planned: {words};"
            f" use {_lower(level)}"
        ) from error


def _lower(level: str) -> str:
    levels = list(LEVELS)
    return " or ".join(f"optimize={other!r}" for other in reversed(levels[: levels.index(level)]))


def _saving(level: str, place: Path) -> object:
    """Return options with which a session saves the fused graph."""
    here = runtime()
    options = here.SessionOptions()
    options.graph_optimization_level = getattr(here.GraphOptimizationLevel, LEVELS[level])
    options.optimized_model_filepath = str(place)
    options.log_severity_level = 3
    # Weights go into a file of their own: a protobuf file is limited to 2 GB, and is read several times here.
    options.add_session_config_entry(
        "session.optimized_model_external_initializers_file_name", f"{place.name}.data"
    )
    return options


def _drop_idle_inputs(fused: Path, source: Graph) -> None:
    """Remove the inputs that the source does not have from a fused file.

    Files before IR version 4 also list parameters as inputs. ONNX Runtime folds the parameters and leaves
    their names among the inputs, so each run would need a value that no operator reads.
    """
    model = ModelProto.FromString(fused.read_bytes())
    asked = {source.tensors[t].name for t in source.inputs} | {p.name for p in model.graph.initializer}
    kept = [value for value in model.graph.input if value.name in asked]
    if len(kept) < len(model.graph.input):
        del model.graph.input[:]
        model.graph.input.extend(kept)
        fused.write_bytes(model.SerializeToString())


def _known(graph: Graph) -> dict[str, Tensor]:
    """Return name to tensor, including bodies, for the names that have the same type everywhere."""
    tensors: dict[str, Tensor] = {}
    doubtful: set[str] = set()
    open_graphs = [graph]
    while open_graphs:
        here = open_graphs.pop()
        for tensor in here.tensors:
            if _type(tensors.setdefault(tensor.name, tensor)) != _type(tensor):
                doubtful.add(tensor.name)
        open_graphs += [body.graph for op in here.operators for body in op.bodies]
    return {name: tensor for name, tensor in tensors.items() if name not in doubtful}


def _type(tensor: Tensor) -> tuple[str, tuple[int, ...]]:
    return tensor.element, tensor.shape


def _asked(fused: Path, bind: Mapping[str, int], known: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return the tensors that only the fused graph has, as far as ONNX Runtime knows their sizes.

    ONNX Runtime reports the sizes of outputs, so the tensors are all made outputs; nothing is run.
    """
    model = ModelProto.FromString(fused.read_bytes())
    listed = {value.name for value in model.graph.output}
    made = (output for node in model.graph.node for output in node.output)
    new = dict.fromkeys(n for n in made if n and n not in known and n not in listed)
    model.graph.output.extend(ValueInfoProto(name=n) for n in new)
    place = fused.with_name("asked.onnx")
    place.write_bytes(model.SerializeToString())
    options = in_file_order()
    for symbol, size in bind.items():
        options.add_free_dimension_override_by_name(symbol, size)
    return dict(_told(opened(place, options, name)))


def _told(session: Any) -> Iterator[tuple[str, Tensor]]:
    """Yield name and tensor of each output whose type and every size ONNX Runtime knows."""
    for output in cast("list[Any]", session.get_outputs()):
        name, spelled = str(output.name), str(output.type).removeprefix("tensor(").removesuffix(")")
        element, shape = SPELLINGS.get(spelled, spelled), cast("list[int | str | None]", output.shape)
        sizes = tuple(size for size in shape if isinstance(size, int) and size >= 0)
        if element in NUMBERS and len(sizes) == len(shape):
            yield name, Tensor(name, element, NUMBERS[element][1], sizes)
