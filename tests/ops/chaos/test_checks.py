"""
The checks of a history: each is right about a good week, and notices the one thing that is wrong with it.

The week: somebody books and sits the quiz, somebody books and cancels, somebody waits, another system
commands a registration and sends what nobody can read.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ops.audit.findings import Check
from ops.audit.log import Entry, Log
from ops.chaos import checks
from ops.chaos.history import Operation
from ops.chaos.scene import (
    HALL,
    LAB_CAPACITY,
    LAB_PEOPLE,
    PLAQUE_ID,
    QUIZ_ID,
    SCHEME_ID,
    lab_of,
    session_of_command,
)
from ops.contracts.documents import GOLDEN

LAB = lab_of(0)


@dataclass
class Week:
    """What was asked and told, and what is in the log."""

    history: list[Operation] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    def asks(self, kind: Any, who: str, asked: dict[str, Any], told: dict[str, Any] | None) -> None:
        """Somebody asks, and is told something; None: hears nothing."""
        number = len(self.history) + 1
        outcome: Any = "unknown" if told is None else "ok"
        ended_at = float("inf") if told is None else number + 0.5
        self.history.append(Operation(number, kind, who, asked, float(number), outcome, told or {}, ended_at))

    def happens(self, topic: str, key: str, **fields: Any) -> None:
        """An event of ours, otherwise as the golden record."""
        golden = json.loads((GOLDEN / f"kepu.{topic}.v1.json").read_text())["data"]
        offset = len(self.entries)
        value = json.dumps({**golden, **fields}).encode()
        self.entries.append(Entry(topic, 0, offset, key, value, f"e-{offset}", {}, None, offset))

    def raw(self, topic: str, key: str, value: bytes, id_: str | None = None, **headers: str) -> None:
        """A record as it is."""
        self.entries.append(Entry(topic, 0, len(self.entries), key, value, id_, headers, None, 0))

    def conferred(self, award_id: str, whom: str) -> None:
        """A plaque."""
        self.happens(
            "award.issued", whom, award_id=award_id, version=1, scheme_id=PLAQUE_ID, recipient_id=whom
        )

    def registered(self, topic: str, id_: str, version: int, session: str, request: str = "r") -> None:
        """An outcome of a registration."""
        whom = f"of-{id_}"
        self.happens(
            f"registration.{topic}",
            whom,
            registration_id=id_,
            participant_id=whom,
            version=version,
            session_id=session,
            request_id=request,
        )

    def amiss(self) -> dict[str, Check]:
        """The statements that do not hold."""
        found = checks.check(self.history, Log(self.entries))
        return {one.name: one for one in found if not one.agrees}


def good() -> Week:
    week = Week()
    for number in range(LAB_CAPACITY):
        told = {"registration_id": f"lab-{number}", "participant_id": "-", "status": "confirmed"}
        week.asks("book", f"p-{number}", {"session": LAB}, told)
        week.registered("confirmed", f"lab-{number}", 1, LAB)
    told = {"registration_id": "waits", "participant_id": "-", "status": "waitlisted"}
    week.asks("book", "p-waits", {"session": LAB}, told)
    week.registered("waitlisted", "waits", 1, LAB)
    told = {"registration_id": "leaves", "participant_id": "-", "status": "confirmed"}
    week.asks("book", "p-leaves", {"session": HALL}, told)
    week.registered("confirmed", "leaves", 1, HALL)
    week.asks("cancel", "p-leaves", {"registration_id": "leaves"}, {})
    week.registered("cancelled", "leaves", 2, HALL)
    week.asks("read", "p-leaves", {"registration_id": "leaves"}, {"status": "cancelled"})
    # Nobody knows whether this one was booked; it was.
    week.asks("book", "p-lost", {"session": HALL}, None)
    week.registered("confirmed", "lost", 1, HALL)
    week.asks("command", "c", {"session": HALL, "request": "hall-c"}, {"place": "-"})
    week.registered("confirmed", "commanded", 1, HALL, "hall-c")
    week.asks("abort", "a", {"session": HALL, "request": "aborted-a"}, {})
    week.asks("poison", "poison-1", {}, {"place": f"quiz.submitted/0/{len(week.entries)}"})
    place = {"dead_topic": "quiz.submitted", "dead_partition": "0", "dead_offset": str(len(week.entries))}
    week.raw("quiz.submitted", "poison-1", b"{")
    week.raw("quiz.submitted.quiz-grading.dead", "poison-1", b"{", **place)
    week.asks("save", "p-0", {"attempt_id": "a"}, {"revision": 1})
    week.raw("quiz.answers_saved", "a", json.dumps({"attempt_id": "a", "revision": 1}).encode(), "s")
    week.asks("submit", "p-0", {"attempt_id": "a"}, {"receipt_id": "receipt"})
    week.raw("quiz.submitted", "a", json.dumps({"attempt_id": "a"}).encode(), "receipt")
    graded = {"result_id": "a", "quiz_id": QUIZ_ID, "participant_id": "p", "passed": True, "points": 4.0}
    week.happens("quiz.completed", "p", **graded)
    week.asks("result", "p-0", {"attempt_id": "a"}, {"points": 4.0, "passed": True})
    week.happens("award.issued", "p", award_id="w", version=1, scheme_id=SCHEME_ID, recipient_id="p")
    week.asks("confer", "p-0", {"recipient_id": "honoured"}, {"award_id": "plaque"})
    week.conferred("plaque", "honoured")
    return week


def test_a_good_week_agrees() -> None:
    assert good().amiss() == {}


def test_what_is_told_again_is_no_second_event() -> None:
    week = good()
    week.entries += [replace(one, offset=100 + one.offset) for one in week.entries if "dead" not in one.topic]
    # A receipt is remembered by one process only, so the same submission may be there twice.
    assert week.amiss() == {}


def without(topic: str, key: str = "") -> Callable[[Week], None]:
    def spoil(week: Week) -> None:
        week.entries = [one for one in week.entries if one.topic != topic or (key and one.key != key)]

    return spoil


def _doubled_booking(week: Week) -> None:
    told = {"registration_id": "other", "participant_id": "-", "status": "confirmed"}
    week.asks("book", "p-0", {"session": HALL}, told)
    week.registered("confirmed", "other", 1, HALL)


def _refused_repeat(week: Week) -> None:
    week.asks("book", "p-0", {"session": LAB, "again": True}, None)
    week.history[-1] = replace(week.history[-1], outcome="fail")


def _oversold(week: Week) -> None:
    told = {"registration_id": "ninth", "participant_id": "-", "status": "confirmed"}
    week.asks("book", "p-9", {"session": LAB}, told)
    week.registered("confirmed", "ninth", 1, LAB)


def _oversold_for_a_while(week: Week) -> None:
    _oversold(week)
    week.asks("cancel", "p-9", {"registration_id": "ninth"}, {})
    week.registered("cancelled", "ninth", 2, LAB)


def _given_back(week: Week) -> None:
    week.asks("cancel", "p-1", {"registration_id": "lab-1"}, {})
    week.registered("cancelled", "lab-1", 2, LAB)


def _overtaken(week: Week) -> None:
    _given_back(week)
    told = {"registration_id": "late", "participant_id": "-", "status": "confirmed"}
    week.asks("book", "p-late", {"session": LAB}, told)
    week.registered("confirmed", "late", 1, LAB)


def _out_of_order(week: Week) -> None:
    week.registered("confirmed", "lab-2", 3, LAB)
    week.registered("confirmed", "lab-2", 2, LAB)


def _graded_twice(week: Week) -> None:
    other = {"result_id": "a", "quiz_id": QUIZ_ID, "participant_id": "p", "passed": True, "points": 4.0}
    week.happens("quiz.completed", "p", **other)


def _awarded_twice(week: Week) -> None:
    week.happens("award.issued", "p", award_id="w2", version=1, scheme_id=SCHEME_ID, recipient_id="p")


def _command_twice(week: Week) -> None:
    week.registered("confirmed", "commanded-again", 1, HALL, "hall-c")


def _aborted_and_obeyed(week: Week) -> None:
    week.registered("confirmed", "obeyed", 1, HALL, "aborted-a")


def _other_result_read(week: Week) -> None:
    week.asks("result", "p-0", {"attempt_id": "a"}, {"points": 3.0, "passed": False})


def _read_what_was_undone(week: Week) -> None:
    week.asks("read", "p-0", {"registration_id": "lab-0"}, {"status": "checked_in"})


def _read_before_cancellation(week: Week) -> None:
    week.asks("read", "p-leaves", {"registration_id": "leaves"}, {"status": "confirmed"})


def _good_one_buried(week: Week) -> None:
    [sent] = [one for one in week.entries if one.id == "receipt"]
    place = {"dead_topic": "quiz.submitted", "dead_partition": "0", "dead_offset": str(sent.offset)}
    week.raw("quiz.submitted.quiz-grading.dead", "a", b"{}", **place)


def _somebody_elses_submission(week: Week) -> None:
    week.raw("quiz.submitted", "b", json.dumps({"attempt_id": "b"}).encode(), "other")


SPOILT: Sequence[tuple[Callable[[Week], None], str]] = (
    (without("registration.waitlisted"), "bookings acknowledged are published"),
    (_doubled_booking, "a request that is repeated is one booking"),
    (_refused_repeat, "a request that is repeated is not refused"),
    (lambda week: week.registered("confirmed", "made-up", 1, LAB), "nobody booked for whom nobody asked"),
    (without("registration.cancelled"), "cancellations acknowledged are published"),
    (
        lambda week: week.registered("cancelled", "lab-0", 2, LAB),
        "nothing is cancelled that nobody cancelled",
    ),
    (_oversold, "no session has more people than places"),
    (_oversold_for_a_while, "no session has more people than places"),
    (_given_back, "nobody waits for a place that is free"),
    (_overtaken, "who asked later does not go before who waits"),
    (without("registration.confirmed", "of-commanded"), "commands acknowledged have an outcome"),
    (_command_twice, "each command has one outcome"),
    (_aborted_and_obeyed, "nobody obeys a command whose transaction was aborted"),
    (without("quiz.submitted.quiz-grading.dead"), "unreadable records are dead letters"),
    (_good_one_buried, "nothing acknowledged is a dead letter"),
    (without("quiz.submitted", "a"), "submissions acknowledged are in the log"),
    (without("quiz.completed"), "submissions acknowledged are graded"),
    (_graded_twice, "each submitted attempt has one result"),
    (_somebody_elses_submission, "nothing is submitted that nobody sent"),
    (without("quiz.answers_saved"), "saves acknowledged are in the log"),
    (without("award.issued"), "who passed has one certificate"),
    (_awarded_twice, "who passed has one certificate"),
    (without("award.issued", "honoured"), "conferrals acknowledged are published"),
    (lambda week: week.conferred("again", "honoured"), "each conferral is one award"),
    (lambda week: week.conferred("other", "unasked"), "nothing is conferred that nobody conferred"),
    (_out_of_order, "events of one key came in their order"),
    (_read_what_was_undone, "registrations that were read were published"),
    (_read_before_cancellation, "what was cancelled is read as cancelled"),
    (_other_result_read, "results that were read were published"),
)


@pytest.mark.parametrize(("spoil", "name"), SPOILT, ids=[name.replace(" ", "_") for _, name in SPOILT])
def test_what_is_amiss_is_noticed_by_its_statement(spoil: Callable[[Week], None], name: str) -> None:
    week = good()
    spoil(week)
    assert name in week.amiss()


def test_each_statement_is_spoilt_by_some_test() -> None:
    names = {one.name for one in checks.check([], Log([]))}
    # Its bound is the services' own rule, and a list that is too long needs seventeen people.
    assert names - {name for _, name in SPOILT} == {"no waiting list is longer than it may be"}


def test_a_dead_workload_cannot_pass() -> None:
    week = good()
    assert all(one.agrees for one in checks.alive(week.history, {"book": 5, "submit": 1}))
    [check] = checks.alive([], {"book": 5})
    assert not check.agrees
    # What was only asked does not count.
    [check] = checks.alive([one for one in week.history if one.outcome == "unknown"], {"book": 1})
    assert not check.agrees


def test_in_each_other_small_session_people_alone_hold_places() -> None:
    """What people were told says there whether a session ever had too many, also if some have left."""
    numbers = range(10 * LAB_PEOPLE)
    of_commands = {session_of_command(number) for number in numbers}
    assert of_commands == {HALL, *(lab_of(number) for number in numbers if number // LAB_PEOPLE % 2 == 0)}
