"""
What the log says, compared with what is expected: results, corrections, the close and the previews.

stored.py compares what the databases have.
"""

from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any

from shared.contracts import topics
from shared.contracts.events import STANDINGS_MAX
from tests.quiz.regrading.crowd.contest import half_points_in, ranks, seconds_in
from tests.quiz.regrading.crowd.crowd import DISTRICT_OF_TOKENS
from tests.quiz.regrading.crowd.expected import CORRECTIONS, Attempt, Expected, moment_of

EXAMPLES = 3
Wrong = Callable[[str, Collection[Any]], None]


def wrong_in_log(of: Expected) -> list[str]:
    """What is wrong in the log and in the previews."""
    found: list[str] = []
    for compared in (_submissions, _completed, _chains, _nothing_twice, _closing, _previews):
        compared(of, writing(found))
    return found


def writing(found: list[str]) -> Wrong:
    def wrong(what: str, which: Collection[Any]) -> None:
        if which:
            found.append(f"{what}: {len(which)}, such as {sorted(map(str, which))[:EXAMPLES]}")

    return wrong


def _submissions(of: Expected, wrong: Wrong) -> None:
    sent = {one.attempt_id for one in of.played.sheets} | of.played.report.receipts.keys()
    wrong("attempts that were sent and are not in the log", sent ^ of.attempts.keys())
    in_log = {one.id for one in of.log.records("quiz.submitted")}
    wrong("receipts that the log does not have", set(of.played.report.receipts.values()) - in_log)
    for topic in topics.LIVE:
        for group in topic.groups:
            wrong(f"dead letters of {topic.name}", [one.place for one in of.log.dead(topic.name, group)])


def _completed(of: Expected, wrong: Wrong) -> None:
    """Every attempt has one result, whose points are by the keys of some moment, the right one if known."""
    wrong("attempts without a result, or results without one", of.attempts.keys() ^ of.completed.keys())
    bad = []
    (before, after), (second, _) = of.played.report.corrected
    for id_, entry in of.completed.items():
        one, body = of.attempts[id_], entry.body
        by_keys = {
            number for number in range(CORRECTIONS + 1) if 2 * body["points"] == one.half_points[number]
        }
        possible = {0, 1, 2}
        if moment_of(entry) < before:
            possible = {0}
        elif one.participant_id in of.without:
            # The close has graded it.
            possible = {2}
        elif one.appended_at > after or one.participant_id in of.waited:
            possible = {1}
        elif moment_of(entry) < second:
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
    report = of.played.report
    preview, outcome = report.previews[1], report.outcomes[1]
    at_rest = figures(of, 2, [one for one in of.attempts.values() if one.participant_id not in of.without])
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
        if moment_of(entry) < asked and one.participant_id not in moving:
            least.append(one)
        if one.appended_at < answered:
            # Somebody whose attempts come meanwhile may be read twice.
            most += [one, one] if one.participant_id in moving else [one]
    low, high = figures(of, 1, least), figures(of, 1, most)
    for name, found in report.previews[0]["figures"].items():
        if not low[name] <= found <= high[name]:
            wrong("preview under load", [f"{name} {found}, not between {low[name]} and {high[name]}"])


def figures(of: Expected, number: int, attempts: list[Attempt]) -> dict[str, int]:
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
        "left_out": 0,
        "ranks": sum(before[who] != after[who] for who in before),
    }
