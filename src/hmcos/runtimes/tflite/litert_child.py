"""The child process: run a TensorFlow Lite model once, on one of two runtimes."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Task:
    """What to run."""

    engine: str
    """tflm, litert or xnnpack."""
    content: bytes
    """The model file."""
    inputs: tuple[Any, ...] | None
    """Arrays, one per input; None to set the model up only."""
    arena: int
    """The size in bytes of the arena for tflm."""
    more: tuple[tuple[Any, ...], ...] = ()
    """Further inputs, which run on the same session one after the other."""


def answer(request: bytes) -> bytes:
    """Return the outputs as an .npz file, empty if there are no inputs; `request` is a pickled `Task`.

    tflm prints the size of its arena. A runtime may abort the process.
    """
    task = cast(Task, pickle.loads(request))
    outputs = _tflm(task) if task.engine == "tflm" else _litert(task)
    if task.inputs is None:
        return b""
    numpy: Any = import_module("numpy")
    file = BytesIO()
    numpy.savez(file, *outputs)
    return file.getvalue()


def _tflm(task: Task) -> list[object]:
    runtime: Any = import_module("tflite_micro").runtime
    session = runtime.Interpreter.from_bytes(task.content, arena_size=task.arena)
    outputs: list[object] = []
    for inputs in () if task.inputs is None else (task.inputs, *task.more):
        for i, value in enumerate(inputs):
            session.set_input(value, i)
        session.invoke()
        outputs += [session.get_output(i).copy() for i in range(_outputs(task.content))]
    session.print_allocations()
    return outputs


def _outputs(content: bytes) -> int:
    generated: Any = import_module("ai_edge_litert.schema_py_generated")
    return cast(int, generated.Model.GetRootAs(content, 0).Subgraphs(0).OutputsLength())


def _litert(task: Task) -> list[object]:
    interpreter: Any = import_module("ai_edge_litert.interpreter")
    kernels = interpreter.OpResolverType
    # The reference kernels, one thread: nothing is reordered, fused or handed to a delegate.
    session = interpreter.Interpreter(
        model_content=task.content,
        num_threads=1,
        experimental_op_resolver_type=kernels.AUTO if task.engine == "xnnpack" else kernels.BUILTIN_REF,
    )
    session.allocate_tensors()
    outputs: list[object] = []
    for inputs in () if task.inputs is None else (task.inputs, *task.more):
        for details, value in zip(session.get_input_details(), inputs, strict=True):
            session.set_tensor(details["index"], value)
        session.invoke()
        outputs += [_saved(session.get_tensor(details["index"])) for details in session.get_output_details()]
    return outputs


def _saved(array: Any) -> Any:
    """Return an array that can be saved: of strings, which are objects, their bytes in hexadecimal."""
    if array.dtype != object:
        return array
    numpy: Any = import_module("numpy")
    return numpy.array([element.hex() for element in array.ravel()], str).reshape(array.shape)
