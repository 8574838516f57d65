"""The audit reads what anybody may have written: wrong records are counted, and end nothing."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ops.audit.commands import GROUP, judged_commands
from ops.audit.erasure import _latest
from ops.audit.known import Known
from ops.audit.log import RULES, Entry, Log, conforms, entry_of
from ops.audit.ours import COMPACTED, OURS
from ops.audit.quiz import GROUP as GRADING
from ops.audit.quiz import TOPIC, judged
from ops.contracts.documents import GOLDEN
from shared.contracts.envelope import Event, enclose
from shared.contracts.events import DeadLetterDecided, QuizSubmitted, RegistrationRequested
from shared.contracts.sources import OPERATIONS, QUIZ, REGISTRATION
from shared.messaging.decoding import Decoding
from shared.messaging.received import Batch, Following, Subscription
from tests.support.logged import NOW, NOW_MS, dead, logged, raw


def entry(value: bytes, offset: int = 0) -> Entry:
    return Entry(TOPIC, 0, offset, "key", value, None, {}, None, 0)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b'{"participant_id": []}',
        b'{"participant_id": {}, "attempt_id": 1}',
        b'{"participant_id": "erased"}',
        b'{"participant_id": "erased", "attempt_id": {}}',
        b"[" * 100_000,
    ],
)
def test_a_wrong_submission_is_one_that_may_not_count(value: bytes) -> None:
    wrong = entry(value)
    refused = Log([wrong])
    good, bad, dropped = judged(refused, Known({}, {}, {}), {"erased"})
    assert (good, dropped) == ([], [])
    # Of the erased the services may have dropped it.
    assert bad == ([] if wrong.text("participant_id") == "erased" else [wrong])


def golden(contract: type[Event]) -> tuple[bytes, bytes, dict[str, bytes | None]]:
    """Key, value and headers of a good record."""
    found = json.loads((GOLDEN / f"{contract.type}.json").read_text())
    headers = {name: text.encode() for name, text in found["headers"].items()}
    return found["key"].encode(), json.dumps(found["data"]).encode(), headers


@pytest.mark.parametrize("topic", sorted(OURS))
def test_what_is_malformed_in_our_own_topics_is_named_and_is_no_event(topic: str) -> None:
    key, value, headers = golden(OURS[topic].contract)
    wrong = (b"{}", b"[]", b'{"a":' * 200, b'{"version": 1e400}', b"\xff", b"", None)
    records = [entry_of(raw(topic, key, value, [*headers.items()]), {})]
    records += [entry_of(raw(topic, key, bad, [], offset=at), {}) for at, bad in enumerate(wrong, start=1)]
    log = Log(records)
    assert [one.offset for one in log.events(topic)] == [0]
    # Without a value, a record of a compacted topic deletes a key.
    named = range(1, len(wrong) + (topic not in COMPACTED))
    assert sorted(one.offset for one in log.malformed(topic)) == list(named)
    assert log.contradictions() == []
    assert log.redelivered() == 0


# What makes a record wrong: changes of its headers, and what becomes of its key and value.
Spoil = Callable[[bytes, bytes, dict[str, bytes | None]], tuple[bytes | None, bytes | None]]
SPOILT: dict[str, Spoil] = {
    "nothing": lambda key, value, headers: (key, value),
    "more fields": lambda key, value, headers: (key, value[:-1] + b', "extra": [1]}'),
    "no value": lambda key, value, headers: (key, None),
    "empty": lambda key, value, headers: (key, b""),
    "half": lambda key, value, headers: (key, value[:-1]),
    "NaN": lambda key, value, headers: (key, value[:-1] + b', "extra": [NaN]}'),
    "too large": lambda key, value, headers: (key, value[:-1] + b" " * 800_000 + b"}"),
    "other key": lambda key, value, headers: (b"other", value),
    "no key": lambda key, value, headers: (None, value),
    "key of no text": lambda key, value, headers: (b"\xff", value),
    **{
        name: lambda key, value, headers, change=change: (headers.update(change), (key, value))[1]  # type: ignore[misc]
        for name, change in {
            "null header": {"ce_extra": None},
            "null ce_id": {"ce_id": None},
            "no text": {"ce_extra": b"\xff"},
            "long header": {"ce_extra": b"x" * 2_000},
            "long ce_id": {"ce_id": b"x" * 2_000},
            "many headers": {f"x{number}": b"x" for number in range(70)},
            "large headers": {f"x{number}": b"x" * 1_000 for number in range(40)},
            "empty ce_id": {"ce_id": b""},
            "other type": {"ce_type": b"kepu.other.v1"},
            "other version": {"ce_specversion": b"0.3"},
            "no JSON": {"content-type": b"text/plain"},
            "no time": {"ce_time": b"yesterday"},
            "time without zone": {"ce_time": b"2026-05-20T08:00:00"},
            "far time": {"ce_time": b"0001-01-01T00:00:00+23:59"},
            "ours": {"ce_source": QUIZ.encode()},
            "registration": {"ce_source": REGISTRATION.encode()},
            "partner": {"ce_source": b"https://partner.example"},
        }.items()
    },
}


@pytest.mark.parametrize("contract", [rule.contract for rule in RULES.values()], ids=lambda one: one.topic)
@pytest.mark.parametrize("spoilt", SPOILT)
async def test_what_the_consumers_refuse_the_audit_refuses_and_nothing_else(
    contract: type[Event], spoilt: str
) -> None:
    key, value, headers = golden(contract)
    wrong_key, wrong_value = SPOILT[spoilt](key, value, headers)
    record = raw(contract.topic, wrong_key, wrong_value, [*headers.items()])
    reading = Decoding(Subscription("group", (contract,), _unused, codes=()))
    taken, refused = await reading.decode([record])
    assert len(taken) + len(refused) == 1
    assert conforms(entry_of(record, {}), contract) == bool(taken)
    if spoilt in ("nothing", "more fields", "partner"):
        assert taken
    if spoilt in ("NaN", "other key", "too large", "no time", "no JSON"):
        assert refused


async def _unused(_: Batch[Any]) -> Following:
    raise AssertionError("nothing is handled here")


def command(request: str = "r-1", **changes: Any) -> RegistrationRequested:
    fields = {"request_id": request, "participant_id": "p-1", "session_id": "s-1"}
    return RegistrationRequested.model_validate(fields | changes)


def sent(*commands: RegistrationRequested, partitions: Sequence[int] = (0,) * 9) -> list[Entry]:
    return [
        logged(
            enclose(one, source="partner", cause=str(offset), now=datetime.now(UTC)),
            offset,
            partition=partitions[offset],
        )
        for offset, one in enumerate(commands)
    ]


def test_a_reused_request_id_and_a_contact_of_no_base64_are_dead_letters() -> None:
    entries = sent(
        command(),
        command(places=2),
        command(),
        command("r-2", places=2),
        command("r-3", contact_sealed="AAAAA"),
    )
    good, bad = judged_commands(Log(entries), set())
    assert [entry.offset for entry in good] == [0, 1, 2, 3]
    assert sorted(bad) == [entries[1].place, entries[4].place]


@pytest.mark.parametrize("was_refused", [True, False])
@pytest.mark.parametrize("why", ["erased", "two partitions"])
def test_where_nobody_can_tell_which_request_was_the_first_the_dead_letters_decide(
    why: str, was_refused: bool
) -> None:
    gone = {"p-1"} if why == "erased" else set()
    entries = sent(command(), command(places=2), partitions=(0, 0) if why == "erased" else (0, 1))
    letters = [dead(entries[1], GROUP)] if was_refused else []
    _, bad = judged_commands(Log([*entries, *letters]), gone)
    assert bad == ([entries[1].place] if was_refused else [])


def test_a_wrong_version_in_our_own_topic_does_not_end_the_audit_of_erasures() -> None:
    good, wrong = entry(b'{"version": 1}'), entry(b'{"version": "x"}', offset=1)
    for log in ([good, wrong], [wrong, good]):
        assert _latest(log)["key"] is good


def test_what_a_group_failed_on_is_no_refusal_once_it_was_sent_again() -> None:
    key, value, headers = golden(QuizSubmitted)
    first, second = (
        replace(logged_raw(key, value, headers, offset), time_ms=NOW_MS + offset) for offset in (4, 5)
    )
    again = [*headers.items(), ("redriven_from", b"0/4")]
    sent = logged_raw(key, value, dict(again), 9)
    forged = logged_raw(key, value + b" ", dict(again), 10)
    decided = enclose(
        DeadLetterDecided(
            record_id="a",
            group=GRADING,
            place=first.place,
            decision="redriven",
            by="ops",
            decided_at=NOW,
        ),
        source=OPERATIONS,
        cause="a",
        now=NOW,
    )
    letters = [dead(first, GRADING), dead(second, GRADING)]
    log = Log(
        [
            first,
            second,
            replace(sent, time_ms=NOW_MS + 99),
            replace(forged, time_ms=NOW_MS + 99),
            *letters,
            logged(decided),
        ]
    )
    # It counts as of its first time, but only if it is the same record.
    assert [one.time_ms - NOW_MS for one in log.records(TOPIC)] == [4, 5, 4, 99]
    assert log.given_up(TOPIC, GRADING, ()) == {second.place}
    # A record that has to be refused stays refused.
    assert log.given_up(TOPIC, GRADING, {first.place}) == {first.place, second.place}


def logged_raw(key: bytes, value: bytes, headers: dict[str, bytes | None], offset: int) -> Entry:
    return entry_of(raw(TOPIC, key, value, list(headers.items()), offset=offset), {})
