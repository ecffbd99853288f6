"""What runs in the child process: a TensorFlow Lite model, once, on one of two runtimes.

    python -m hmcos.runtimes.tflite_child tflm|litert MODEL BYTES SECONDS MEMORY [INPUTS.npz OUTPUTS.npz]

BYTES is the size of the arena for tflm; SECONDS of processor time and MEMORY in bytes are what it may take.
Without inputs the model is only set up. tflm prints its arena.
"""

from __future__ import annotations

import resource
import sys
from importlib import import_module
from typing import Any, cast


def main(arguments: list[str]) -> None:
    """Run what the command line says; the runtime may end the process in any way it likes."""
    engine, model, size, seconds, memory, *files = arguments
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    # At the first of the two it is told so by a signal, which the parent reads.
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    numpy: Any = import_module("numpy")
    inputs = _inputs(numpy, files[0]) if files else None
    outputs = _tflm(model, int(size), inputs) if engine == "tflm" else _litert(model, inputs)
    if files:
        numpy.savez(files[1], *outputs)


def _inputs(numpy: Any, file: str) -> list[object]:
    with numpy.load(file, allow_pickle=False) as found:
        return [found[f"arr_{i}"] for i in range(len(found.files))]


def _tflm(model: str, size: int, inputs: list[object] | None) -> list[object]:
    runtime: Any = import_module("tflite_micro").runtime
    session = runtime.Interpreter.from_file(model, arena_size=size)
    outputs: list[object] = []
    if inputs is not None:
        for i, value in enumerate(inputs):
            session.set_input(value, i)
        session.invoke()
        outputs = [session.get_output(i).copy() for i in range(_outputs(model))]
    session.print_allocations()
    return outputs


def _outputs(model: str) -> int:
    generated: Any = import_module("ai_edge_litert.schema_py_generated")
    with open(model, "rb") as file:  # noqa: PTH123 (nothing of pathlib is needed here)
        return cast(int, generated.Model.GetRootAs(file.read(), 0).Subgraphs(0).OutputsLength())


def _litert(model: str, inputs: list[object] | None) -> list[object]:
    interpreter: Any = import_module("ai_edge_litert.interpreter")
    # The reference kernels, one thread: nothing is reordered, fused or handed to a delegate.
    session = interpreter.Interpreter(
        model_path=model,
        num_threads=1,
        experimental_op_resolver_type=interpreter.OpResolverType.BUILTIN_REF,
    )
    session.allocate_tensors()
    if inputs is None:
        return []
    for details, value in zip(session.get_input_details(), inputs, strict=True):
        session.set_tensor(details["index"], value)
    session.invoke()
    return [session.get_tensor(details["index"]) for details in session.get_output_details()]


if __name__ == "__main__":
    main(sys.argv[1:])
