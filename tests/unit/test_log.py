"""Messages to the standard logging."""

from __future__ import annotations

import logging

import pytest

from hmcos.log import Log

pytestmark = pytest.mark.own_log_level


def test_a_name_from_a_file_cannot_look_like_another_message(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "hmcos"):
        Log("hmcos.schedule").info("%s: opened, %d operators", "a\nhmcos: done \x1b[2J %s %n", 3)
    (message,) = caplog.messages
    assert message.isprintable() and message.endswith("%s %n: opened, 3 operators")


def test_a_huge_name_is_shortened(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "hmcos"):
        Log("hmcos.schedule").info("%s: opened", "a" * 10_000)
    assert len(caplog.messages[0]) < 300


def test_a_message_names_the_line_that_sent_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "hmcos"):
        Log("hmcos.search").debug("a step")
    assert caplog.records[0].filename == "test_log.py"


def test_one_logger_below_can_be_listened_to_alone(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "hmcos.search"):
        Log("hmcos.search").debug("heard")
        Log("hmcos.schedule").debug("not heard")
    assert caplog.messages == ["heard"]
