import json
import logging
import sys
from datetime import UTC, datetime

from shared.runtime.errors import Unavailable
from shared.runtime.logs import JsonLines, Seldom, correlated


def line(message: str = "service ready", **fields: object) -> dict[str, object]:
    record = logging.makeLogRecord(
        {"msg": message, "levelname": "INFO", "levelno": logging.INFO, "name": "x", **fields}
    )
    text = JsonLines("quiz").format(record)
    assert "\n" not in text
    found: dict[str, object] = json.loads(text)
    return found


def test_line_holds_time_level_service_and_message_and_nothing_else() -> None:
    found = line()
    assert set(found) == {"time", "level", "service", "message"}
    assert (found["level"], found["service"], found["message"]) == ("info", "quiz", "service ready")
    assert datetime.fromisoformat(str(found["time"])).tzinfo == UTC


def test_fields_stand_beside_the_message() -> None:
    assert line(group="awards", offset=7)["offset"] == 7


def test_field_that_json_does_not_know_is_written_as_text() -> None:
    assert line(error=ValueError("x"))["error"] == "x"


def test_line_carries_the_correlation_id_while_it_lasts() -> None:
    with correlated("a-request"):
        assert line()["correlation_id"] == "a-request"
        with correlated("another"):
            assert line()["correlation_id"] == "another"
        assert line()["correlation_id"] == "a-request"
    assert "correlation_id" not in line()


def test_error_is_one_line_with_its_trace() -> None:
    try:
        raise Unavailable("MongoDB does not answer")
    except Unavailable:
        told = str(line(exc_info=sys.exc_info())["exception"])
    assert "Unavailable: MongoDB does not answer" in told
    assert "test_logs.py" in told


def test_what_led_to_an_error_is_told_without_words_that_are_not_ours() -> None:
    try:
        try:
            raise LookupError("no li@example.org")
        except LookupError as error:
            raise Unavailable("MongoDB does not answer") from error
    except Unavailable:
        told = str(line(exc_info=sys.exc_info())["exception"])
    assert told.index("LookupError") < told.index("Unavailable: MongoDB does not answer")
    # The line of code that raises it is shown as it stands in the source.
    assert told.count("li@example.org") == 1
    assert "LookupError: no" not in told


def test_text_with_line_breaks_stays_one_line() -> None:
    assert line("one\ntwo\r\nthree")["message"] == "one\ntwo\r\nthree"


def test_library_that_repeats_itself_is_heard_once_in_a_while() -> None:
    seldom = Seldom("aiokafka", seconds=60)

    def passes(name: str, message: str, *fields: object) -> bool:
        return seldom.filter(logging.LogRecord(name, logging.ERROR, "x", 1, message, fields, None))

    tries = [passes("aiokafka", "Unable connect to %s: %s", "127.0.0.1:9092", n) for n in range(100)]
    assert sum(tries) == 1
    assert passes("aiokafka", "Topic %s not found in cluster metadata", "x")
    assert passes("aiokafka.conn", "Unable connect to %s: %s", 1, 2)
    assert all(passes("shared.storage", "the same") for _ in range(3))
    assert Seldom("aiokafka", seconds=0).filter(logging.makeLogRecord({"name": "aiokafka"}))
