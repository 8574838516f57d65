"""A record on one line for people, and as JSON for programs."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ops.contracts.documents import GOLDEN
from ops.exploring.heard import Heard, Hearing, Wanted
from ops.exploring.show import FIELDS_MAX, SEALED, as_json, line
from ops.tracing.chain import seen
from shared.contracts import events
from shared.contracts.envelope import Event

NOW_MS = int(datetime(2027, 5, 20, 1, tzinfo=UTC).timestamp() * 1000)
SECRET = "a sentence that nobody may see"


class Message:
    """A record as confluent-kafka has it."""

    def __init__(
        self, topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
    ) -> None:
        self._said = topic, key, value, headers
        self.at_ms = NOW_MS

    def topic(self) -> str:
        return self._said[0]

    def partition(self) -> int:
        return 3

    def offset(self) -> int:
        return 17

    def key(self) -> bytes | None:
        return self._said[1]

    def value(self) -> bytes | None:
        return self._said[2]

    def headers(self) -> list[tuple[str, bytes | None]]:
        return self._said[3]

    def timestamp(self) -> tuple[int, int]:
        return 2, self.at_ms


def message_of(contract: type[Event], **changes: Any) -> Message:
    golden = json.loads((GOLDEN / f"{contract.type}.json").read_text())
    headers: list[tuple[str, bytes | None]] = [
        (name, value.encode()) for name, value in golden["headers"].items()
    ]
    value = json.dumps(golden["data"] | changes).encode()
    return Message(contract.topic, golden["key"].encode(), value, headers)


def heard(message: Message) -> Heard:
    return Hearing().heard(message)


@pytest.mark.parametrize("contract", events.ALL, ids=lambda contract: contract.type)
def test_each_example_is_one_line_without_what_is_sealed(contract: type[Event]) -> None:
    one = heard(message_of(contract))
    assert one.problem is None
    said = line(one).plain
    assert "\n" not in said
    assert f"  {contract.topic}  {one.key}" in said
    for name, value in one.body.items():
        if name.endswith(SEALED) and value:
            assert value not in said


@pytest.mark.parametrize("contract", events.ALL, ids=lambda contract: contract.type)
def test_a_field_that_is_encrypted_has_a_name_that_says_so(contract: type[Event]) -> None:
    schemas = contract.model_json_schema()["properties"]
    encrypted = {name for name, schema in schemas.items() if "A-Za-z0-9+/" in json.dumps(schema)}
    assert {name for name in schemas if name.endswith(SEALED)} == encrypted


def test_the_line_says_what_differs_from_the_default_and_counts_what_is_too_much() -> None:
    said = line(heard(message_of(events.RegistrationRequested, kind="person"))).plain
    assert "  from puyang/wechat  " in said
    assert "  places=2  " in said
    assert "kind=" not in said
    said = line(heard(message_of(events.QuizCompleted))).plain
    assert said.count("=") == FIELDS_MAX
    assert said.rstrip().rpartition("  +")[2].isdecimal()


def test_the_plan_of_a_session_is_opened_and_lists_are_counted() -> None:
    assert "plan.activity_title=" in line(heard(message_of(events.SessionPublished))).plain
    assert "standings=[" in line(heard(message_of(events.QuizClosed))).plain


def test_a_record_that_groups_refuse_says_why_and_shows_nothing() -> None:
    said = line(heard(message_of(events.RegistrationRequested, places=SECRET))).plain
    assert "bad_body: places: " in said
    assert SECRET not in said
    assert "registration.requested/3/17" in said


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (Message("quiz.completed", b"k", b"{}", []), "bad_header"),
        (Message("quiz.completed", None, None, [("ce_id", None)]), "no_value"),
        (Message("quiz.completed", b"\xff", b"\xff", [("ce_id", b"\xff")]), "bad_header"),
    ],
)
def test_whatever_a_stranger_writes_is_shown_with_the_code_of_its_refusal(
    message: Message, code: str
) -> None:
    one = heard(message)
    assert one.problem is not None
    assert f"  {code}: " in line(one).plain or code == "no_value"
    json.loads(as_json(one))


@pytest.mark.parametrize("levels", [40, 900, *range(985, 1_005), 100_000])
def test_a_body_that_is_nested_deeply_is_printed_as_bytes(levels: int) -> None:
    one = heard(Message("strange", b"k", b"[" * levels + b"]" * levels, []))
    said = json.loads(as_json(one))
    assert said["data"] is None
    assert said["data_base64"]
    assert "strange" in line(one).plain


@pytest.mark.parametrize("at_ms", [-1, 0, 2**62, -(2**62)])
def test_a_time_that_no_calendar_has_ends_nothing(at_ms: int) -> None:
    message = message_of(events.RegistrationRequested)
    message.at_ms = at_ms
    one = heard(message)
    assert one.problem is not None
    assert one.problem[0] == "bad_time"
    json.loads(as_json(one))
    assert "bad_time" in line(one).plain
    assert seen(message).topic == "registration.requested"


def test_control_characters_of_a_stranger_do_not_reach_the_terminal() -> None:
    evil = "\x1b[2J\x9b\u2028"
    headers: list[tuple[str, bytes | None]] = [
        ("ce_source", evil.encode()),
        ("dead_group", b"g"),
        ("dead_reason", evil.encode()),
        ("dead_topic", b"t"),
    ]
    for message in (
        Message("t", evil.encode(), b"{}", headers),
        Message(evil, evil.encode(), None, headers[:1]),
    ):
        assert line(heard(message)).plain.isprintable()
        assert as_json(heard(message)).replace("\u2028", "").replace("\x9b", "").isprintable()


def test_a_dead_letter_says_who_gave_it_up_and_why() -> None:
    golden = message_of(events.QuizSubmitted, said=SECRET)
    why = {"group": "quiz-grading", "code": "attempt_late", "reason": "too late", "topic": "quiz.submitted"}
    why |= {"partition": "3", "offset": "9"}
    headers = [*golden.headers(), *((f"dead_{name}", text.encode()) for name, text in why.items())]
    one = heard(Message("quiz.submitted.quiz-grading.dead", golden.key(), golden.value(), headers))
    said = line(one).plain
    assert "attempt_late: too late" in said
    assert SECRET not in said
    dead = json.loads(as_json(one))["dead"]
    assert dead == {
        "group": "quiz-grading", "code": "attempt_late", "reason": "too late", "place": "quiz.submitted/3/9",
    }  # fmt: skip


def test_json_has_the_whole_record_also_if_its_value_is_no_json() -> None:
    message = message_of(events.QuizCompleted)
    said = json.loads(as_json(heard(message)))
    assert said["data"] == json.loads(message.value() or b"")
    assert said["headers"] == {name: (value or b"").decode() for name, value in message.headers()}
    assert (said["topic"], said["partition"], said["offset"]) == ("quiz.completed", 3, 17)
    assert said["at"] == "2027-05-20T01:00:00.000Z"
    broken = json.loads(as_json(heard(Message("quiz.completed", b"k", b"\xff\x00", []))))
    assert (broken["data"], broken["data_base64"]) == (None, "/wA=")


def test_records_are_chosen_by_key_participant_and_source() -> None:
    requested = message_of(events.RegistrationRequested)
    who = (requested.key() or b"").decode()
    assert Wanted().means(requested)
    assert Wanted(key=who, participant=who, source="puyang/wechat").means(requested)
    assert not Wanted(key=who[:-1]).means(requested)
    assert not Wanted(source="puyang").means(requested)
    assert not Wanted(participant=who[:-1]).means(requested)
    closed = message_of(events.QuizClosed)
    ranked = json.loads(closed.value() or b"")["standings"][0]["participant_id"]
    assert Wanted(participant=ranked).means(closed)
