"""
What must be true of a history, given what is in the log afterwards. Pure.

As in Kafka's own produce-consume-validate tests and in Jepsen's tests of queues and registers: nothing that
was acknowledged is lost, nothing happens twice, nothing is invented, and nobody reads what is not there. What
is unknown may have happened or not. `ops/audit` computes everything again besides, from the databases too.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, TypeAlias

from ops.audit.findings import Check, compare, kept, true_of_all
from ops.audit.log import Entry, Log
from ops.chaos.history import Kind, Operation
from ops.chaos.scene import HALL, HALL_CAPACITY, LAB_CAPACITY, LAB_WAITING, PLAQUE_ID, QUIZ_ID, SCHEME_ID

Json: TypeAlias = dict[str, Any]

OUTCOMES = ("held", "confirmed", "waitlisted", "offered", "cancelled", "checked_in")
HOLDING = ("held", "confirmed", "offered", "checked_in")
# The topics whose records carry the version of a thing. The events of a thing come in the order of versions.
VERSIONED = (
    *((f"registration.{word}", "registration_id") for word in OUTCOMES),
    ("award.issued", "award_id"),
    ("award.revoked", "award_id"),
)
POISONED, GRADING = "quiz.submitted", "quiz-grading"


def check(history: Sequence[Operation], log: Log) -> list[Check]:
    """All checks of a history."""
    return [
        *bookings(history, log),
        *sessions(history, log),
        *commands(history, log),
        *submissions(history, log),
        *awards(history, log),
        order(log),
        *reads(history, log),
    ]


def bookings(history: Sequence[Operation], log: Log) -> Iterator[Check]:
    """Registrations over HTTP, and cancellations."""
    booked = _ok(history, "book")
    there = {event.body["registration_id"] for event in _outcomes(log)}
    yield kept("bookings acknowledged are published", _told(booked, "registration_id"), there)
    by_person: dict[str, set[str]] = defaultdict(set)
    for one in booked:
        by_person[one.who].add(one.told["registration_id"])
    twice = [who for who, ids in by_person.items() if len(ids) > 1]
    yield Check("a request that is repeated is one booking", len(by_person), len(by_person), duplicated=twice)
    again = [one for one in _all(history, "book") if one.asked.get("again")]
    refused = [one.who for one in again if one.outcome == "fail"]
    yield true_of_all("a request that is repeated is not refused", refused, len(again))
    yield true_of_all("nobody booked for whom nobody asked", _invented(history, log), len(there))
    yield kept(
        "cancellations acknowledged are published",
        (one.asked["registration_id"] for one in _ok(history, "cancel")),
        (event.body["registration_id"] for event in log.events("registration.cancelled")),
    )
    asked = {one.asked["registration_id"] for one in _all(history, "cancel") if one.outcome != "fail"}
    gone = {event.body["registration_id"] for event in log.events("registration.cancelled")}
    yield true_of_all("nothing is cancelled that nobody cancelled", sorted(gone - asked), len(gone))


def sessions(history: Sequence[Operation], log: Log) -> Iterator[Check]:
    """Places and waiting lists, by the last outcome of each registration, and by what people were told."""
    last = _last_outcomes(log)
    holding: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    for status, body in last.values():
        (holding if status in HOLDING else waiting if status == "waitlisted" else Counter())[
            body["session_id"]
        ] += 1
    at_the_end = {id_ for id_, places in holding.items() if places > capacity_of(id_)}
    oversold = sorted(at_the_end | _once_oversold(history))
    overfull = [id_ for id_, people in waiting.items() if people > LAB_WAITING]
    yield true_of_all("no session has more people than places", oversold, len(holding))
    yield true_of_all("no waiting list is longer than it may be", overfull, len(waiting))
    idle = [id_ for id_ in waiting if holding[id_] < capacity_of(id_)]
    yield true_of_all("nobody waits for a place that is free", idle, len(waiting))
    yield true_of_all("who asked later does not go before who waits", _overtaken(history, last), len(waiting))


def _once_oversold(history: Sequence[Operation]) -> set[str]:
    """
    Sessions with more people than places at any time, also if somebody has cancelled since.

    Whoever was told "confirmed" and has not asked to cancel has a place: there are at least so many.
    """
    left = {one.asked["registration_id"]: one.began_at for one in reversed(_all(history, "cancel"))}
    held = {
        one.told["registration_id"]: (one.asked["session"], one.ended_at)
        for one in reversed(_ok(history, "book"))
        if one.told["status"] == "confirmed"
    }
    steps: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for id_, (session, since) in held.items():
        until = left.get(id_, float("inf"))
        if since < until:
            steps[session] += [(since, 1), (until, -1)]
    # At the same time, leaving comes first.
    return {
        session
        for session, changes in steps.items()
        if max(accumulate(change for _, change in sorted(changes))) > capacity_of(session)
    }


def capacity_of(session: str) -> int:
    """The places of a session of the scene."""
    return HALL_CAPACITY if session == HALL else LAB_CAPACITY


def commands(history: Sequence[Operation], log: Log) -> Iterator[Check]:
    """Commands of another system, and its records that nobody can read."""
    asked = {one.asked["request"]: one for one in _all(history, "command")}
    answered: dict[str, set[str]] = defaultdict(set)
    for event in [*_outcomes(log), *log.events("registration.rejected")]:
        request = event.body["request_id"]
        if request in asked:
            answered[request].add(event.body.get("registration_id", "rejected"))
    yield kept(
        "commands acknowledged have an outcome",
        (one.asked["request"] for one in _ok(history, "command")),
        answered,
    )
    twice = [request for request, ids in answered.items() if len(ids) > 1]
    yield Check("each command has one outcome", len(asked), len(answered), duplicated=twice)
    aborted = {one.asked["request"] for one in _all(history, "abort")}
    outcomes = [*_outcomes(log), *log.events("registration.rejected")]
    obeyed = sorted({event.body["request_id"] for event in outcomes} & aborted)
    yield true_of_all("nobody obeys a command whose transaction was aborted", obeyed, len(aborted))
    dead = log.given_up(POISONED, GRADING, ())
    yield kept("unreadable records are dead letters", _told(_ok(history, "poison"), "place"), dead)
    receipts = {*_told(_ok(history, "submit"), "receipt_id")}
    buried = [entry.id for entry in log.records(POISONED) if entry.place in dead and entry.id in receipts]
    yield true_of_all("nothing acknowledged is a dead letter", buried, len(dead))


def submissions(history: Sequence[Operation], log: Log) -> Iterator[Check]:
    """Saved answers, submissions, results."""
    sent = [entry for entry in log.records(POISONED) if not entry.key.startswith("poison-")]
    dead = log.given_up(POISONED, GRADING, ())
    completed = [event for event in log.events("quiz.completed") if event.body["quiz_id"] == QUIZ_ID]
    submitted = _ok(history, "submit")
    yield kept("submissions acknowledged are in the log", _told(submitted, "receipt_id"), _ids(sent))
    yield compare(
        "each submitted attempt has one result",
        # Intake may append what grading refuses, if it does not acknowledge it.
        {entry.body["attempt_id"] for entry in sent if entry.place not in dead},
        (event.body["result_id"] for event in completed),
    )
    yield kept(
        "submissions acknowledged are graded",
        (one.asked["attempt_id"] for one in submitted),
        (event.body["result_id"] for event in completed),
    )
    asked = {one.asked["attempt_id"] for one in _all(history, "submit", "save") if one.outcome != "fail"}
    invented = sorted({entry.body["attempt_id"] for entry in sent} - asked)
    yield true_of_all("nothing is submitted that nobody sent", invented, len(sent))
    yield kept(
        "saves acknowledged are in the log",
        (f"{one.asked['attempt_id']}/{one.told['revision']}" for one in _ok(history, "save")),
        (f"{e.body['attempt_id']}/{e.body['revision']}" for e in log.events("quiz.answers_saved")),
    )


def awards(history: Sequence[Operation], log: Log) -> Iterator[Check]:
    """Each result that reaches the pass mark has its certificate, each conferral its plaque; nothing else."""
    passed = (
        event.body["participant_id"]
        for event in log.events("quiz.completed")
        if event.body["quiz_id"] == QUIZ_ID and event.body["passed"]
    )
    issued = [event for event in log.events("award.issued") if event.body["scheme_id"] == SCHEME_ID]
    yield compare("who passed has one certificate", passed, (event.body["recipient_id"] for event in issued))
    conferred = [event for event in log.events("award.issued") if event.body["scheme_id"] == PLAQUE_ID]
    yield kept(
        "conferrals acknowledged are published",
        _told(_ok(history, "confer"), "award_id"),
        (event.body["award_id"] for event in conferred),
    )
    asked = {one.asked["recipient_id"] for one in _all(history, "confer") if one.outcome != "fail"}
    have = Counter(event.body["recipient_id"] for event in conferred)
    twice = [id_ for id_, times in have.items() if times > 1]
    yield Check("each conferral is one award", len(asked), len(have), duplicated=twice)
    yield true_of_all("nothing is conferred that nobody conferred", sorted(set(have) - asked), len(have))


def order(log: Log) -> Check:
    """
    The versions of a thing were first told in their order. A repeat of what was told before changes nothing.

    Records of one key are in one partition. Topics have no order among them, so each is looked at alone.
    """
    wrong: list[str] = []
    count = 0
    for topic, name in VERSIONED:
        seen: set[str] = set()
        highest: dict[str, int] = {}
        for entry in sorted(log.records(topic), key=lambda one: (one.partition, one.offset)):
            if entry.id in seen:
                continue
            seen.add(entry.id)
            count += 1
            thing, version = entry.body[name], entry.body["version"]
            if version <= highest.get(thing, 0):
                wrong.append(entry.place)
            highest[thing] = version
    return true_of_all("events of one key came in their order", wrong, count)


def reads(history: Sequence[Operation], log: Log) -> Iterator[Check]:
    """Nobody has read what was never published, such as what a transaction wrote that was undone."""
    said: dict[str, set[str]] = defaultdict(set)
    for event in _outcomes(log):
        said[event.body["registration_id"]].add(event.topic.removeprefix("registration."))
    read = _ok(history, "read")
    wrong = [
        one.asked["registration_id"]
        for one in read
        if one.told["status"] not in said[one.asked["registration_id"]]
    ]
    yield true_of_all("registrations that were read were published", wrong, len(read))
    cancelled = {one.asked["registration_id"]: one.ended_at for one in _ok(history, "cancel")}
    back = [
        id_
        for one in read
        if (id_ := one.asked["registration_id"]) in cancelled
        and one.began_at > cancelled[id_]
        and one.told["status"] != "cancelled"
    ]
    yield true_of_all("what was cancelled is read as cancelled", back, len(cancelled))
    points = {event.body["result_id"]: event.body["points"] for event in log.events("quiz.completed")}
    results = _ok(history, "result")
    differ = [
        one.asked["attempt_id"]
        for one in results
        if points.get(one.asked["attempt_id"]) != one.told["points"]
    ]
    yield true_of_all("results that were read were published", differ, len(results))


def alive(history: Sequence[Operation], least: Mapping[Kind, int]) -> list[Check]:
    """A workload in which hardly anything was acknowledged shows nothing."""
    counts = Counter(one.kind for one in history if one.outcome == "ok")
    return [
        Check(
            f"at least {most} times acknowledged: {kind}",
            most,
            counts[kind],
            wrong=[f"only {counts[kind]}"] if counts[kind] < most else [],
        )
        for kind, most in least.items()
    ]


def _ok(history: Sequence[Operation], kind: Kind) -> list[Operation]:
    return [one for one in history if one.kind == kind and one.outcome == "ok"]


def _all(history: Sequence[Operation], *kinds: Kind) -> list[Operation]:
    return [one for one in history if one.kind in kinds]


def _told(some: Iterable[Operation], name: str) -> Iterator[str]:
    return (one.told[name] for one in some)


def _ids(entries: Iterable[Entry]) -> Iterator[str]:
    return (entry.id for entry in entries)


def _outcomes(log: Log) -> list[Entry]:
    return [event for word in OUTCOMES for event in log.events(f"registration.{word}")]


def _last_outcomes(log: Log) -> dict[str, tuple[str, Json]]:
    """By registration, its last status and the body that says so."""
    last: dict[str, tuple[str, Json]] = {}
    for event in _outcomes(log):
        body = event.body
        known = last.get(body["registration_id"])
        if known is None or body["version"] > known[1]["version"]:
            last[body["registration_id"]] = event.topic.removeprefix("registration."), body
    return last


def _invented(history: Sequence[Operation], log: Log) -> list[str]:
    """
    Registrations over HTTP that nobody was told of, where more are there than nobody knows of.

    The id of a request is computed with a secret, so an unknown booking cannot be recognised: they are
    counted, for each session.
    """
    told = {one.told["registration_id"] for one in _ok(history, "book")}
    requests = {one.asked["request"] for one in _all(history, "command")}
    unknown = Counter(one.asked["session"] for one in _all(history, "book") if one.outcome == "unknown")
    untold: dict[str, set[str]] = defaultdict(set)
    for event in _outcomes(log):
        if event.body["registration_id"] not in told and event.body["request_id"] not in requests:
            untold[event.body["session_id"]].add(event.body["registration_id"])
    return sorted(id_ for session, ids in untold.items() if len(ids) > unknown[session] for id_ in ids)


def _overtaken(history: Sequence[Operation], last: Mapping[str, tuple[str, Json]]) -> list[str]:
    """
    Who waits, although somebody has a place in the same session who asked after this one had an answer.

    It is compared by the time of this program, and not by the services' own numbers.
    """
    first: dict[str, Operation] = {}
    for one in _ok(history, "book"):
        first.setdefault(one.told["registration_id"], one)
    asked_last: dict[str, float] = {}
    latest: Callable[[str], float] = lambda session: asked_last.get(session, 0.0)  # noqa: E731 (one word)
    for id_, (status, body) in last.items():
        if status in HOLDING and id_ in first:
            asked_last[body["session_id"]] = max(latest(body["session_id"]), first[id_].began_at)
    return [
        id_
        for id_, (status, body) in last.items()
        if status == "waitlisted" and id_ in first and first[id_].ended_at < latest(body["session_id"])
    ]
