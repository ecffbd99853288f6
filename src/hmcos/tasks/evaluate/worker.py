"""A worker process of hmcos: candidates come in, answers go out, both as bytes."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from dataclasses import astuple

from hmcos.limits import Status
from hmcos.tasks.evaluate.answering import Answer, answer, error_of, words_of
from hmcos.tasks.evaluate.question import Question
from hmcos.tasks.evaluate.row import FAILED, Figures, failure, not_sent

_MAIN = b"__main__"


def packed(content: object) -> bytes:
    """Return a candidate as bytes for a worker process, with the script that defines it if that is needed.

    Raises:
        Exception: it cannot be pickled; its class depends on what the candidate is made of.
    """
    content_bytes = pickle.dumps(content)
    return pickle.dumps((_main_script() if _MAIN in content_bytes else {}, content_bytes))


def answering(greeting: bytes) -> Callable[[bytes], bytes]:
    """Return what answers the candidates of a run; the greeting is its pickled question."""
    question: Question = pickle.loads(greeting)

    def answered(request: bytes) -> bytes:
        try:
            script, content_bytes = pickle.loads(request)
            _run_main_script(script)
            content: object = pickle.loads(content_bytes)
        except MemoryError as error:
            return encoded(Answer(error_of(error, question.memory), 0.0))
        except BaseException as error:  # whatever a script or a class raises
            return encoded(Answer(not_sent(error), 0.0))
        try:
            return encoded(answer(question, content))
        except KeyboardInterrupt as error:  # the candidate's own: workers take no note of Ctrl-C
            return encoded(Answer(failure(FAILED, words_of(error)), 0.0))

    return answered


def encoded(answered: Answer) -> bytes:
    """Return an answer as bytes; answers are never unpickled, because models are not trusted."""
    found = answered.found if isinstance(answered.found, str) else astuple(answered.found)
    return json.dumps((found, answered.seconds, answered.digest, answered.sha256)).encode()


def decoded(content: bytes) -> Answer:
    """Return the answer that was encoded."""
    found, *rest = json.loads(content)
    if not isinstance(found, str):
        operators, given, least, bound, arena, status = found
        found = Figures(operators, given, least, bound, arena, Status(status))
    return Answer(found, *rest)


def _main_script() -> dict[str, str]:
    """Return where the script is that defines the functions of `__main__`, as multiprocessing says it."""
    from multiprocessing.spawn import get_preparation_data  # noqa: PLC0415 (few candidates need it)

    data = get_preparation_data("hmcos")
    return {key: data[key] for key in ("init_main_from_name", "init_main_from_path") if key in data}


_running: list[dict[str, str]] = []
"""The script that a worker runs at the moment; at most one."""


def runs_main_script() -> bool:
    """Return whether this is a worker that runs the script of its parent to find a function in it."""
    return bool(_running)


def _run_main_script(script: dict[str, str]) -> None:
    """Run the script of the parent once, under a name by which it knows that it is not the main one."""
    if not script or "__mp_main__" in sys.modules:
        return
    from multiprocessing.spawn import prepare  # noqa: PLC0415 (few candidates need it)

    _running.append(script)
    try:
        prepare(script)
    finally:
        _running.clear()
