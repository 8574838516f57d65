"""
What must be true afterwards, computed from the log's submissions, the definition and the corrections.

The services' code is not used: the rules are those of contest.py, written from the documents. `Expected` is
what follows from the submissions; each function of `CHECKS` compares one kind of thing with it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ops.audit.log import Entry, Log
from ops.deployment.databases import Databases
from shared.contracts import topics
from shared.contracts.events import STANDINGS_MAX
from tests.quiz.regrading.crowd.contest import (
    PASS_PERCENT,
    Json,
    Rules,
    half_points_in,
    ranks,
    seconds_in,
)
from tests.quiz.regrading.crowd.crowd import DISTRICT_OF_TOKENS, LATE, NEVER, SCHEMES, Crowd
from tests.quiz.regrading.crowd.sender import profile_of

EXAMPLES = 3
CORRECTIONS = 2
Wrong = Callable[[str, Collection[Any]], None]


@dataclass(frozen=True)
class Attempt:
    """
    An attempt as the log has it.

    Attributes:
        half_points: by the keys after no, one and two corrections.
        order: likewise.
    """

    attempt_id: str
    participant_id: str
    seconds: int
    appended_at: datetime
    submission_id: str
    half_points: tuple[int, ...]
    order: tuple[int, ...]


class Expected:
    """What follows from the log's submissions, and what the log has of it."""

    def __init__(self, crowd: Crowd, log: Log) -> None:
        self.crowd, self.log, self.rules = crowd, log, crowd.rules
        self.attempts = {one.attempt_id: one for one in _attempts(log, crowd.rules)}
        self.profiles: dict[str, tuple[str | None, str | None]] = {
            who: profile_of(place) if place % 100 < NEVER else (None, None)
            for place, who in enumerate(crowd.people)
        }
        places = {who: place for place, who in enumerate(crowd.people)}
        # Those whose profile came late or never: they were graded later than they submitted.
        self.waited = {who for who, place in places.items() if place % 100 >= LATE}
        self.without = {who for who, place in places.items() if place % 100 >= NEVER}
        self.completed = {one.body["result_id"]: one for one in log.events("quiz.completed")}
        self.regraded: dict[str, list[Json]] = defaultdict(list)
        for entry in log.events("quiz.regraded"):
            self.regraded[entry.body["result_id"]].append(entry.body)

    def best(self, corrections: int) -> dict[str, int]:
        """By participant the order of the best result."""
        found: dict[str, int] = {}
        for one in self.attempts.values():
            who = one.participant_id
            found[who] = max(found.get(who, 0), one.order[corrections])
        return found


def _attempts(log: Log, rules: Rules) -> list[Attempt]:
    """The first submission of each attempt counts."""
    found: dict[str, Attempt] = {}
    for entry in sorted(log.records("quiz.submitted"), key=lambda one: (one.partition, one.offset)):
        body = entry.body
        id_ = body["attempt_id"]
        if id_ in found:
            continue
        begun, ended = (datetime.fromisoformat(body[name]) for name in ("started_at", "submitted_at"))
        seconds = int((ended - begun).total_seconds())
        points = tuple(rules.half_points(id_, body["answers"], number) for number in range(CORRECTIONS + 1))
        orders = tuple(rules.order(one, seconds, ended) for one in points)
        who = body["participant_id"]
        found[id_] = Attempt(id_, who, seconds, _moment(entry), entry.id, points, orders)
    return list(found.values())


def _moment(entry: Entry) -> datetime:
    return datetime.fromtimestamp(entry.time_ms / 1_000, UTC)


async def check(crowd: Crowd, log: Log, databases: Databases) -> None:
    """Add to the report what is wrong."""
    report = crowd.report

    def wrong(what: str, which: Collection[Any]) -> None:
        if which:
            report.wrong.append(f"{what}: {len(which)}, such as {sorted(map(str, which))[:EXAMPLES]}")

    of = Expected(crowd, log)
    for pure in (_submissions, _completed, _chains, _nothing_twice, _closing, _previews):
        pure(of, wrong)
    for stored in (_results, _standings, _awards, _messages):
        await stored(of, databases, wrong)
    report.figures |= {
        "attempts": len(of.attempts),
        "participants": len(of.best(0)),
        "graded again": sum(map(len, of.regraded.values())),
        "awards": len(log.events("award.issued")),
        "messages": await databases.notifications["messages"].count_documents({}),
        "delivered again": log.redelivered(),
    }


def _submissions(of: Expected, wrong: Wrong) -> None:
    sent = {one.attempt_id for one in of.crowd.sheets} | of.crowd.report.receipts.keys()
    wrong("attempts that were sent and are not in the log", sent ^ of.attempts.keys())
    in_log = {one.id for one in of.log.records("quiz.submitted")}
    wrong("receipts that the log does not have", set(of.crowd.report.receipts.values()) - in_log)
    for topic in topics.LIVE:
        for group in topic.groups:
            wrong(f"dead letters of {topic.name}", [one.place for one in of.log.dead(topic.name, group)])


def _completed(of: Expected, wrong: Wrong) -> None:
    """Every attempt has one result, whose points are by the keys of some moment, the right one if known."""
    wrong("attempts without a result, or results without one", of.attempts.keys() ^ of.completed.keys())
    bad = []
    (before, after), (second, _) = of.crowd.report.corrected
    for id_, entry in of.completed.items():
        one, body = of.attempts[id_], entry.body
        by_keys = {
            number for number in range(CORRECTIONS + 1) if 2 * body["points"] == one.half_points[number]
        }
        possible = {0, 1, 2}
        if _moment(entry) < before:
            possible = {0}
        elif one.participant_id in of.without:
            # The close has graded it.
            possible = {2}
        elif one.appended_at > after or one.participant_id in of.waited:
            possible = {1}
        elif _moment(entry) < second:
            possible = {0, 1}
        half_points = int(2 * body["points"])
        profile = of.profiles.get(one.participant_id, (None, DISTRICT_OF_TOKENS))
        if not by_keys & possible or (
            body["points_max"],
            body["score_percent"],
            body["passed"],
            body["time_used_seconds"],
            body["participant_id"],
            (body["group_id"], body["district"]),
        ) != (
            of.rules.half_points_max / 2,
            of.rules.percent(half_points),
            of.rules.passes(half_points),
            one.seconds,
            one.participant_id,
            profile,
        ):
            bad.append(id_)
    wrong("quiz.completed that says something else", bad)


def _chains(of: Expected, wrong: Wrong) -> None:
    """Each change of a result is told once, from the points before to those after."""
    wrong("quiz.regraded of no result", of.regraded.keys() - of.completed.keys())
    bad = []
    for id_, entry in of.completed.items():
        points = of.attempts[id_].half_points
        told = [
            (one["version"], one["correction"], int(2 * one["points_before"]), int(2 * one["points"]))
            for one in sorted(of.regraded.get(id_, ()), key=lambda one: one["version"])
        ]
        first = int(2 * entry.body["points"])
        starts = [number for number in range(CORRECTIONS + 1) if points[number] == first]
        if told not in [_chain(points, start) for start in starts]:
            bad.append(id_)
        for one in of.regraded.get(id_, ()):
            before, after = int(2 * one["points_before"]), int(2 * one["points"])
            if (one["passed_before"], one["passed"], one["score_percent"], one["code"]) != (
                of.rules.passes(before),
                of.rules.passes(after),
                of.rules.percent(after),
                ("key_corrected", "question_cancelled")[one["correction"] - 1],
            ):
                bad.append(id_)
    wrong("results whose quiz.regraded are not those of their corrections", bad)


def _chain(points: tuple[int, ...], start: int) -> list[tuple[int, int, int, int]]:
    """What is told of a result that was first graded with so many corrections."""
    told: list[tuple[int, int, int, int]] = []
    for number in range(start + 1, CORRECTIONS + 1):
        if points[number] != points[number - 1]:
            told.append((len(told) + 2, number, points[number - 1], points[number]))
    return told


def _nothing_twice(of: Expected, wrong: Wrong) -> None:
    """One event id for each thing that was told; what came again says the same."""
    for topic, name in (
        ("quiz.completed", lambda body: (body["result_id"],)),
        ("quiz.regraded", lambda body: (body["result_id"], body["version"])),
        ("award.issued", lambda body: (body["scheme_id"], body["recipient_id"])),
        ("quiz.closed", lambda body: (body["quiz_id"],)),
    ):
        told: dict[tuple[Any, ...], set[str]] = defaultdict(set)
        for entry in of.log.records(topic):
            told[name(entry.body)].add(entry.id)
        ids = {id_ for some in told.values() for id_ in some}
        wrong(f"{topic} told by two events", [which for which, some in told.items() if len(some) > 1])
        wrong(f"{topic} of one id about two things", range(len(told) - len(ids)))
    wrong("event ids that say two things", of.log.contradictions())


def _closing(of: Expected, wrong: Wrong) -> None:
    best = of.best(CORRECTIONS)
    rank = ranks(best)
    listed = sorted(best, key=best.__getitem__, reverse=True)[:STANDINGS_MAX]
    [closed] = of.log.events("quiz.closed")
    told = [
        (one["rank"], int(2 * one["points"]), one["score_percent"], one["time_used_seconds"])
        for one in closed.body["standings"]
    ]
    marks = [(rank[who], half_points_in(best[who]), seconds_in(best[who])) for who in listed]
    if told != [(place, half, of.rules.percent(half), seconds) for place, half, seconds in marks]:
        wrong("final standings", ["their ranks, points or times differ"])
    # Who finished in the same millisecond may stand in any order.
    people = {one["participant_id"]: best.get(one["participant_id"]) for one in closed.body["standings"]}
    if [people[one["participant_id"]] for one in closed.body["standings"]] != [best[who] for who in listed]:
        wrong("final standings", ["they list other people"])
    if closed.body["participants"] != len(best):
        wrong("final standings", [f"of {closed.body['participants']} people, not {len(best)}"])


def _previews(of: Expected, wrong: Wrong) -> None:
    """At rest a preview is the outcome to the number; under load both lie between what the log allows."""
    report = of.crowd.report
    preview, outcome = report.previews[1], report.outcomes[1]
    at_rest = _figures(of, 2, [one for one in of.attempts.values() if one.participant_id not in of.without])
    ranks_differ = at_rest.pop("ranks")
    if preview["figures"] != at_rest or preview["ranks"] != ranks_differ:
        wrong("preview at rest", [f"{preview['figures']} {preview['ranks']}, not {at_rest} {ranks_differ}"])
    if outcome != at_rest:
        wrong("outcome at rest", [f"{outcome}, not {at_rest}"])
    told = [body for some in of.regraded.values() for body in some if body["correction"] == 1]
    under_load = {
        "changed": len(told),
        "raised": sum(one["points"] > one["points_before"] for one in told),
        "now_passed": sum(one["passed"] > one["passed_before"] for one in told),
        "not_passed": sum(one["passed"] < one["passed_before"] for one in told),
    }
    if under_load.items() - report.outcomes[0].items():
        wrong("outcome under load", [f"{report.outcomes[0]}, not {under_load}"])
    asked, answered = report.asked[0]
    least, most = [], []
    moving = {one.participant_id for one in of.attempts.values() if asked < one.appended_at < answered}
    for id_, entry in of.completed.items():
        one = of.attempts[id_]
        if _moment(entry) < asked and one.participant_id not in moving:
            least.append(one)
        if one.appended_at < answered:
            # Somebody whose attempts come meanwhile may be read twice.
            most += [one, one] if one.participant_id in moving else [one]
    low, high = _figures(of, 1, least), _figures(of, 1, most)
    for name, found in report.previews[0]["figures"].items():
        if not low[name] <= found <= high[name]:
            wrong("preview under load", [f"{name} {found}, not between {low[name]} and {high[name]}"])


def _figures(of: Expected, number: int, attempts: list[Attempt]) -> dict[str, int]:
    """What a correction changes in these results."""
    rules = of.rules
    pairs = [(one.half_points[number - 1], one.half_points[number]) for one in attempts]
    best: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for one in attempts:
        for place in (0, 1):
            order = one.order[number - 1 + place]
            best[place][one.participant_id] = max(order, best[place].get(one.participant_id, 0))
    before, after = (ranks(one) for one in best)
    return {
        "results": len(attempts),
        "changed": sum(old != new for old, new in pairs),
        "raised": sum(old < new for old, new in pairs),
        "now_passed": sum(rules.passes(old) < rules.passes(new) for old, new in pairs),
        "not_passed": sum(rules.passes(old) > rules.passes(new) for old, new in pairs),
        "standings": sum(best[0][who] != best[1][who] for who in best[0]),
        "ranks": sum(before[who] != after[who] for who in before),
    }


async def _results(of: Expected, databases: Databases, wrong: Wrong) -> None:
    bad, seen = [], set()
    async for one in databases.quiz["results"].find({}, {"answers": 0}):
        id_ = one["_id"]
        seen.add(id_)
        half_points = of.attempts[id_].half_points[CORRECTIONS]
        version = 1 + len(of.regraded.get(id_, ()))
        if (one["halves"], one["passed"], one.get("version", 1), one["submission_id"]) != (
            half_points,
            of.rules.passes(half_points),
            version,
            of.attempts[id_].submission_id,
        ):
            bad.append(id_)
    wrong("results whose points, version or submission are wrong", bad)
    wrong("results of no attempt, or missing", seen ^ of.attempts.keys())


async def _standings(of: Expected, databases: Databases, wrong: Wrong) -> None:
    stored = {
        one["_id"].partition("/")[2]: one["order"] async for one in databases.quiz["standings"].find({})
    }
    best = of.best(CORRECTIONS)
    wrong("standings", [who for who in stored.keys() | best if stored.get(who) != best.get(who)])


async def _awards(of: Expected, databases: Databases, wrong: Wrong) -> None:
    """Certificates for what some version has earned, and for all that the last one earns; prizes by rank."""
    earned: dict[int, tuple[set[str], set[str]]] = {}
    for percent in (PASS_PERCENT, 90):
        earned[percent] = set(), set()
        for id_, entry in of.completed.items():
            one = of.attempts[id_]
            versions = {int(2 * entry.body["points"]), one.half_points[CORRECTIONS]}
            versions |= {int(2 * body["points"]) for body in of.regraded.get(id_, ())}
            if of.rules.passes(one.half_points[CORRECTIONS], percent):
                earned[percent][0].add(one.participant_id)
            if any(of.rules.passes(points, percent) for points in versions):
                earned[percent][1].add(one.participant_id)
    issued: dict[str, Counter[tuple[str, str | None]]] = defaultdict(Counter)
    async for one in databases.awards["awards"].find({}):
        issued[one["scheme_id"]][one["recipient_id"], one.get("tier")] += 1
    rank = ranks(of.best(CORRECTIONS))
    for scheme_id, rule in SCHEMES.items():
        given = issued[scheme_id]
        wrong(f"{scheme_id} twice", [who for who, times in given.items() if times > 1])
        if "tiers" in rule:
            wrong(scheme_id, given.keys() ^ _prizes(rule, rank))
        else:
            people = {who for who, _ in given}
            must, may = earned[rule["score_percent"]]
            wrong(f"{scheme_id} missing", must - people)
            wrong(f"{scheme_id} that no version earns", people - may)
    told = {(one.body["scheme_id"], one.body["recipient_id"]) for one in of.log.events("award.issued")}
    stored = {(scheme_id, who) for scheme_id, given in issued.items() for who, _ in given}
    wrong("awards that are not told of, or not there", told ^ stored)


def _prizes(rule: Json, rank: Mapping[str, int]) -> set[tuple[str, str | None]]:
    """Each tier goes to all whose rank is within its places and those before."""
    prizes: set[tuple[str, str | None]] = set()
    places = 0
    for tier in rule["tiers"]:
        prizes |= {
            (who, tier["tier"]) for who, one in rank.items() if places < one <= places + tier["places"]
        }
        places += tier["places"]
    return prizes


async def _messages(of: Expected, databases: Databases, wrong: Wrong) -> None:
    """One message in the inbox for each result, each change and each award; it says the points."""
    expected: dict[str, tuple[str, float | None, float | None]] = {}
    for topic, to in (
        ("quiz.completed", "participant_id"),
        ("quiz.regraded", "participant_id"),
        ("award.issued", "recipient_id"),
    ):
        for entry in of.log.events(topic):
            body = entry.body
            points = body["points"] if topic == "quiz.regraded" else None
            expected[entry.id] = body[to], body.get("points_before"), points
    found: Counter[str] = Counter()
    bad = []
    async for one in databases.notifications["messages"].find({"channel": "inbox"}):
        facts = one["facts"]
        said = one["participant_id"], facts.get("points_before"), facts.get("points")
        found[one["cause"]["id"]] += 1
        if expected.get(one["cause"]["id"]) != said:
            bad.append(one["cause"]["id"])
    wrong("messages that say something else, or of nothing", bad)
    wrong("events without a message", expected.keys() - found)
    wrong("events with two messages", [id_ for id_, times in found.items() if times > 1])
