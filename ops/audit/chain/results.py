"""The links of a person and of their results: from the profile to the final standings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from ops.audit.chain.facts import Facts, Json, OfQuiz
from ops.audit.chain.links import Link, absent, is_gone, link_of, numbered, unequal
from ops.audit.corrections import same_as_first
from ops.audit.decisions import differing
from ops.audit.known import Known
from ops.audit.life import differing_definitions
from ops.audit.log import Entry
from ops.audit.quiz import first_of_each, graded_again, judged, left_alone, wrong_scores
from ops.audit.rankings import UNRANKED_BITS, Graded, ranks_by, that_count
from shared.contracts.events import STANDINGS_MAX


def links_of_person(facts: Facts) -> Iterator[Link]:
    """The profile, the places, and the erasure of the recipient."""
    joined = facts.mine("participant.joined")
    if not joined:
        yield Link(
            "participant.joined",
            "the recipient has no profile in the log: another system may know them, or it is no longer there",
            gone=True,
        )
    for event in joined[-1:]:
        body = event.body
        yield link_of(event, f"the recipient takes part ({body['kind']}), version {body['version']}")
    for event in facts.mine("registration.confirmed"):
        yield link_of(event, f"a place in session {event.body['session_id']} is confirmed")
    for event in facts.mine("participant.erased"):
        yield link_of(
            event,
            "the recipient was erased: profile, answers and words are deleted, and the award stays as it was",
        )


@dataclass(frozen=True, slots=True)
class Computed:
    """
    What follows from the submissions.

    Attributes:
        firsts: by attempt, the submission that counts.
        now: by attempt, the result by the keys of now, as final standings use it.
    """

    firsts: Mapping[str, Entry]
    now: Mapping[str, Graded]


def computed(facts: Facts, known: Known, of: OfQuiz) -> Computed:
    """Grade again what the log has of the quiz."""
    good, _, _ = judged(facts.log, known, facts.erased)
    firsts = dict(first_of_each(good, of.results))
    return Computed(
        firsts,
        {
            attempt: graded_again(first, known)
            for attempt, first in firsts.items()
            if attempt not in of.parked
            and (attempt in of.results or first.body["participant_id"] not in facts.erased)
        },
    )


def links_of_results(facts: Facts) -> Iterator[Link]:
    """The quiz, the recipient's answers, results, corrections and decisions, and the final standings."""
    quiz_id, known, of = facts.rule.get("quiz_id"), facts.known, facts.of_quiz
    if quiz_id is None:
        return
    if known is None or of is None:
        yield Link(
            "quiz", f"quiz {quiz_id}", ("quiz has no quiz of this id",), stored=f"quiz.quizzes/{quiz_id}"
        )
        return
    found = computed(facts, known, of)
    yield from _quiz(facts, known, of)
    for attempt in sorted(_attempts(facts, of, found)):
        yield from _result(attempt, facts, known, of, found)
    yield from _decisions(facts, of)
    if facts.rule["type"] == "rank_tiers":
        yield from _closings(facts, known, of, found)


def _attempts(facts: Facts, of: OfQuiz, found: Computed) -> set[str]:
    me = facts.named.recipient_id
    return (
        {attempt for attempt, one in found.now.items() if one.participant_id == me}
        | of.mine(me).keys()
        | {event.body["result_id"] for event in facts.in_quiz("quiz.completed")}
    )


def _quiz(facts: Facts, known: Known, of: OfQuiz) -> Iterator[Link]:
    quiz, events = of.quiz, facts.log.events("quiz.published")
    versions = {event.body["version"] for event in events}
    for event in events:
        body = event.body
        ties, counts = body.get("ties", "time_used"), body.get("counts", "best")
        says = (
            f"version {body['version']}: {len(body['questions'])} questions, {body['pass_percent']} % pass, "
            f"ties by {ties}, {counts} attempt counts"
        )
        amiss = differing_definitions({(body["quiz_id"], body["version"]): body}, _only(of, body["version"]))
        yield link_of(event, says, ["the stored definition says something else"] if [*amiss] else [])
    for version in sorted({*range(1, quiz["version"] + 1)} - versions):
        yield absent("quiz.published", f"version {version}", quiz["closes_at"], facts.now)
    corrections = quiz.get("corrections", ())
    yield Link(
        "keys in force",
        f"the keys of version {quiz['version']} with {len(corrections)} corrections"
        + "".join(f"; {number}: question {one['question_id']}" for number, one in enumerate(corrections, 1)),
        ("a correction is not done yet",) if quiz.get("regrading") is not None else (),
        stored=f"quiz.quizzes/{quiz['_id']}",
    )
    for event in facts.log.events("quiz.cancelled"):
        yield link_of(event, f"the quiz was cancelled or removed up to version {event.body['version']}")


def _only(of: OfQuiz, version: int) -> dict[tuple[str, int], Json]:
    return {which: one for which, one in of.definitions.items() if which[1] == version}


def _result(attempt: str, facts: Facts, known: Known, of: OfQuiz, found: Computed) -> Iterator[Link]:
    row, first, now = (
        of.mine(facts.named.recipient_id).get(attempt),
        found.firsts.get(attempt),
        found.now.get(attempt),
    )
    completed_at = row.get("completed_at") if row else None
    graded = left_alone(now, known, of.results, facts.erased) if now and row else now
    if first is None:
        yield absent("quiz.submitted", f"attempt {attempt}", completed_at, facts.now)
    else:
        body = first.body
        kind = "handed in for the participant" if body.get("automatic") else "submitted"
        yield link_of(
            first,
            f"attempt {attempt}: {len(body['answers'])} answers, {kind}",
            unequal([("the submission in the result", row["submission_id"], first.id)])
            if row and "submission_id" in row
            else (),
        )
    completed = [one for one in facts.in_quiz("quiz.completed") if one.body["result_id"] == attempt]
    regraded = [one for one in facts.in_quiz("quiz.regraded") if one.body["result_id"] == attempt]
    if not completed and not _is_withheld(facts, of):
        yield absent("quiz.completed", f"the result of attempt {attempt}", completed_at, facts.now)
    for event in completed:
        yield link_of(event, _points(event.body), _completed(event, completed, regraded, graded, facts, of))
    versions = (row or {}).get("version", 1)
    for number, event in enumerate(regraded):
        before = regraded[number - 1].body if number else completed[0].body if completed else None
        differs = [*_regraded(event.body, before, graded if event is regraded[-1] else None)]
        yield link_of(event, f"version {event.body['version']}: {_points(event.body)}", differs)
    gone = is_gone("quiz.regraded", completed_at, facts.now)
    yield _stored(attempt, row, graded, regraded, versions, gone=gone)


def _completed(
    event: Entry,
    completed: list[Entry],
    regraded: list[Entry],
    graded: Graded | None,
    facts: Facts,
    of: OfQuiz,
) -> Iterator[str]:
    body = event.body
    if len(completed) > 1:
        yield "the result is in the log more than once"
    if not same_as_first(body, of.results, facts.erased):
        yield "the stored result says something else"
    if not regraded and graded is not None:
        yield from _recomputed(body, graded)


def _regraded(body: Json, before: Json | None, graded: Graded | None) -> Iterator[str]:
    if before is not None:
        yield from unequal([("the points before", body["points_before"], before["points"])])
    if graded is not None:
        yield from _recomputed(body, graded)


def _recomputed(body: Json, graded: Graded) -> Iterator[str]:
    yield from unequal(
        [
            ("points, computed from the answers,", float(body["points"]), float(graded.points)),
            ("points_max", float(body["points_max"]), float(graded.points_max)),
            ("passed", body["passed"], graded.passed),
            ("time_used_seconds", body["time_used_seconds"], graded.time_used_seconds),
        ]
    )


def _stored(
    attempt: str, row: Json | None, graded: Graded | None, regraded: list[Entry], versions: int, *, gone: bool
) -> Link:
    where = f"quiz.results/{attempt}"
    if row is None:
        return Link("result", "the stored result", ("there is none",), stored=where)
    differs = [] if gone else [*_chained(regraded, versions)]
    if graded is not None and [*wrong_scores({attempt: graded}, {attempt: row})]:
        points = float(graded.points)
        differs.append(
            f"it is {row['halves'] / 2:g} points, and the answers give {points:g}; or its other fields"
        )
    if regraded and Fraction(regraded[-1].body["points"]) != Fraction(row["halves"], 2):
        differs.append("it does not have the points that were published last")
    return Link(
        "result", f"{row['halves'] / 2:g} of {row['halves_max'] / 2:g} points", tuple(differs), stored=where
    )


def _chained(regraded: list[Entry], versions: int) -> Iterator[str]:
    """What is wrong with the versions of a result. quiz.completed is version 1."""
    found = [event.body["version"] for event in regraded]
    yield from unequal([("the versions in quiz.regraded", found, [*range(2, versions + 1)])])


def _is_withheld(facts: Facts, of: OfQuiz) -> bool:
    definition = of.definitions.get((of.quiz["_id"], of.quiz["version"]), {})
    return definition.get("shows_scores") == "at_close" and of.quiz["status"] != "closed"


def _points(body: Json) -> str:
    passed = "passed" if body["passed"] else "not passed"
    return f"{body['points']:g} of {body['points_max']:g} points, {passed}"


def _decisions(facts: Facts, of: OfQuiz) -> Iterator[Link]:
    events, row = facts.in_quiz("quiz.disqualification_decided"), of.disqualification
    id_ = f"{of.quiz['_id']}/{facts.named.recipient_id}"
    stored = {} if row is None else {id_: row}
    for event in events:
        body = event.body
        state = "disqualified" if body["disqualified"] else "reinstated"
        if body.get("result_ids"):
            state = f"{len(body['result_ids'])} results do not count"
        differs = ["the stored decision says something else"] if [*differing([body], stored)] else []
        yield link_of(event, f"version {body['version']}: {state}", differs)
    gone = is_gone("quiz.disqualification_decided", of.quiz["closes_at"], facts.now)
    if (row is not None or events) and not facts.is_erased and not gone:
        count = len(row["decisions"]) if row else 0
        yield Link(
            "decisions",
            f"{count} decisions about the recipient's results",
            tuple(numbered(events, count, "the decisions")),
            stored=f"quiz.disqualifications/{id_}",
        )


def _closings(facts: Facts, known: Known, of: OfQuiz, found: Computed) -> Iterator[Link]:
    quiz_id, status = of.quiz["_id"], of.quiz["status"]
    events = sorted(facts.log.events("quiz.closed"), key=lambda event: event.body.get("version", 1))
    ties, counts = ranks_by(quiz_id, known)
    for event in events:
        differs = [*_ranked(event.body, facts, known, of, found)] if event is events[-1] else []
        yield link_of(event, f"version {event.body.get('version', 1)}: {_place(event.body, facts)}", differs)
    if status == "closed":
        count = of.quiz.get("closing_version", 1)
        differs = [*numbered(events, count, "the final standings")]
        closed_at: datetime = of.quiz["closes_at"]
        if not events:
            yield absent("quiz.closed", "the final standings", closed_at, facts.now)
        else:
            says = f"closed; ties by {ties}, {counts} attempt counts; {count} versions of the standings"
            yield Link("quiz", says, tuple(differs), stored=f"quiz.quizzes/{quiz_id}")


def _place(body: Json, facts: Facts) -> str:
    mine = _standing(body, facts)
    of = f"of {body['participants']} in the final standings"
    return f"not listed, {of}" if mine is None else f"rank {mine['rank']} {of}, {mine['points']:g} points"


def _standing(body: Json, facts: Facts) -> Json | None:
    me = facts.named.recipient_id
    return next((one for one in body["standings"] if one["participant_id"] == me), None)


def _ranked(body: Json, facts: Facts, known: Known, of: OfQuiz, found: Computed) -> Iterator[str]:
    """What is wrong with the recipient's rank in the last version of the final standings."""
    quiz_id, me = of.quiz["_id"], f"{of.quiz['_id']}/{facts.named.recipient_id}"
    ties, counts = ranks_by(quiz_id, known)
    best = {
        who: order
        for who, order in that_count(facts.log, known, found.now).items()
        if who in of.standing_erased or who.partition("/")[2] not in facts.erased
    }
    yield from unequal(
        [
            ("ties", body.get("ties", "time_used"), ties),
            ("counts", body.get("counts", "best"), counts),
            ("the number of participants", body["participants"], len(best)),
        ]
    )
    rank = rank_of(me, best, ties)
    mine = _standing(body, facts)
    if mine is None:
        if rank is not None and rank <= STANDINGS_MAX and len(best) <= STANDINGS_MAX:
            yield f"the recipient is not listed, and should have rank {rank}"
        return
    # The order begins with the half points.
    points = None if rank is None else float(points_of_order(best[me]))
    yield from unequal([("the rank", mine["rank"], rank), ("the points", float(mine["points"]), points)])


def rank_of(who: str, best: Mapping[str, int], ties: str) -> int | None:
    """One more than those who are better. Whoever is equal shares the rank."""
    if (mine := best.get(who)) is None:
        return None
    bits = UNRANKED_BITS[ties]
    return 1 + sum(order >> bits > mine >> bits for order in best.values())


def points_of_order(order: int) -> Fraction:
    """The points of a standing: it begins with the half points."""
    return Fraction(order >> 52, 2)
