"""The audit of quiz: every submission in the log is checked, graded and ranked again, by other code."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from struct import iter_unpack
from typing import Any, TypeAlias

from ops.audit.corrections import correction_checks, same_as_first
from ops.audit.decisions import (
    closing_checks,
    decision_checks,
    does_count,
    last_closings,
    states_of_now,
)
from ops.audit.fair_play import flag_checks
from ops.audit.findings import Check, compare, kept, true_of_all
from ops.audit.known import Known, counts
from ops.audit.life import life_checks
from ops.audit.log import Entry, Log, read_as
from ops.audit.papers import points_of
from ops.audit.saved import saved_checks
from ops.audit.withheld import published_checks
from ops.deployment.ledger import Promise
from shared.contracts.envelope import event_id
from shared.contracts.events import STANDINGS_MAX, QuizAnswersSaved, QuizPublished, QuizSubmitted
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]
TOPIC, GROUP, SAVED = "quiz.submitted", "quiz-grading", "quiz.answers_saved"
# A standing is stored as one number: half points, then the time left of the longest time, then the moment
# of finishing. docs/decisions/0020-points.md
FINISH_BITS, TIME_SECONDS_MAX = 35, 2**17 - 1
EXACT_SECONDS, WIDE_SECONDS, CELLS_A_SCORE = 4_096, 256, 4_592


@dataclass(frozen=True, slots=True)
class Graded:
    """The expected result."""

    attempt_id: str
    quiz_id: str
    participant_id: str
    points: Fraction
    points_max: Fraction
    passed: bool
    time_used_seconds: int
    automatic: bool


async def audit_quiz(log: Log, database: Database, promises: list[Promise]) -> list[Check]:
    """Compare submissions, results, standings and closings with what they should be."""
    quizzes = {quiz["_id"]: quiz async for quiz in database["quizzes"].find()}
    definitions = {
        (one["quiz_id"], one["version"]): one["definition"] async for one in database["quiz_versions"].find()
    }
    published = [event.body for event in log.events("quiz.published")]
    known = Known(quizzes, definitions, {(body["quiz_id"], body["version"]): body for body in published})
    removed = {one["_id"]: one["version"] async for one in database["removed_quizzes"].find()}
    erased = {event.key for event in log.events("participant.erased")}
    looked_at = {"answers": 0, "submitted_at": 0}
    results = {result["_id"]: result async for result in database["results"].find({}, looked_at)}
    decisions = {one["_id"]: one async for one in database["disqualifications"].find()}
    parked = {one["_id"] async for one in database["parked"].find()}
    good, bad, dropped = _judged(log, known, erased)
    firsts = dict(_first_of_each(good, results))
    graded = {
        attempt: _left_alone(_grade(first, known), known, results, erased)
        for attempt, first in firsts.items()
        if attempt not in parked and (attempt in results or first.body["participant_id"] not in erased)
    }
    submitted = [promise for promise in promises if promise.kind == "submitted"]
    completed = log.events("quiz.completed")
    return [
        compare(
            "quizzes are published (quiz.published)",
            {**removed, **quizzes},
            _published(log, quizzes, removed),
        ),
        *_kept_in_the_log(log, promises),
        kept(
            "submissions acknowledged are graded",
            (promise.detail for promise in submitted),
            # Submissions of the erased need not be graded.
            (*results, *parked, *dropped),
        ),
        compare(
            "refused submissions are dead-lettered", (e.place for e in bad), set(log.origins(TOPIC, GROUP))
        ),
        compare("submissions are graded", graded, results),
        true_of_all("scores are right", _wrong_scores(graded, results), len(graded)),
        *published_checks(results, quizzes, definitions, erased, completed),
        true_of_all(
            "what is published is what is stored",
            (e.id for e in completed if not same_as_first(e.body, results, erased)),
            len(completed),
        ),
        *saved_checks(good, _saved_in_time(log, known), quizzes, erased),
        *correction_checks(log, quizzes, results),
        *decision_checks(log, decisions, erased),
        *closing_checks(log, quizzes),
        *await flag_checks(database, firsts, results, known, erased, promises),
        *[check async for check in life_checks(log, database, quizzes, removed, definitions, erased)],
        *[check async for check in _rankings(log, database, quizzes, graded, erased)],
    ]


def _kept_in_the_log(log: Log, promises: Sequence[Promise]) -> list[Check]:
    # Others write to both topics, and not only what can be read.
    saves = (read_as(entry, QuizAnswersSaved) for entry in log.records(SAVED))
    return [
        kept(
            "submissions acknowledged are in the log",
            (promise.id for promise in promises if promise.kind == "submitted"),
            (e.id for e in log.records(TOPIC)),
        ),
        kept(
            "saves acknowledged are in the log",
            (f"{promise.id}/{promise.detail}" for promise in promises if promise.kind == "saved"),
            (f"{saved.attempt_id}/{saved.revision}" for saved in saves if saved),
        ),
    ]


def _published(log: Log, quizzes: Mapping[str, Json], removed: Mapping[str, int]) -> set[str]:
    """The published quizzes, and the ids of events about versions that never existed."""
    versions = {
        event_id(f"{quiz_id}/{version}", QuizPublished.type): quiz_id
        for quiz_id, last in {**removed, **{name: quiz["version"] for name, quiz in quizzes.items()}}.items()
        for version in range(1, last + 1)
    }
    return {versions.get(event.id, event.id) for event in log.events("quiz.published")}


def _judged(log: Log, known: Known, erased: Collection[str]) -> tuple[list[Entry], list[Entry], list[str]]:
    """Submissions that may count, those that may not, and attempts of the erased, which may be dropped."""
    dead = set(log.origins(TOPIC, GROUP))
    good: list[Entry] = []
    bad: list[Entry] = []
    dropped: list[str] = []
    for entry in log.records(TOPIC):
        participant, attempt = entry.text("participant_id"), entry.text("attempt_id")
        if _is_good(entry, known):
            good.append(entry)
        elif entry.place in dead or participant not in erased:
            bad.append(entry)
        if participant in erased and attempt is not None:
            dropped.append(attempt)
    return good, bad, dropped


def _is_good(entry: Entry, known: Known) -> bool:
    sent = read_as(entry, QuizSubmitted)
    return sent is not None and counts(sent, sent.submitted_at, entry, known, is_after=sent.automatic)


def _saved_in_time(log: Log, known: Known) -> Iterator[QuizAnswersSaved]:
    for entry in log.records(SAVED):
        saved = read_as(entry, QuizAnswersSaved)
        if saved is not None and counts(saved, saved.saved_at, entry, known):
            yield saved


def _first_of_each(good: list[Entry], results: Mapping[str, Json]) -> Iterator[tuple[str, Entry]]:
    """Each attempt, with the submission that counts: the first one in its partition."""
    by_attempt: dict[str, list[Entry]] = {}
    for entry in sorted(good, key=lambda entry: (entry.partition, entry.offset)):
        by_attempt.setdefault(entry.body["attempt_id"], []).append(entry)
    for attempt, entries in by_attempt.items():
        firsts = {entry.partition: entry for entry in reversed(entries)}.values()
        # A sender with a different partitioner may use two partitions. There is no order between them, so
        # each of the two may count.
        counted = results.get(attempt, {}).get("submission_id")
        yield attempt, next((entry for entry in firsts if entry.id == counted), entries[0])


def _grade(entry: Entry, known: Known) -> Graded:
    sent = read_as(entry, QuizSubmitted)
    version = known.version(sent.quiz_id, sent.quiz_version) if sent else None
    if sent is None or version is None:
        raise ValueError(f"{entry.place} was good and is not any more")
    rules, keys, worth = known.published[version], known.keys(version), known.points(version)
    paper, _ = known.paper(version, sent.attempt_id)
    points = Fraction(0)
    for question in paper:
        id_ = question["id"]
        right, letters = keys[id_], sent.answers.get(id_, "")
        points += worth[id_] if right is None else points_of(rules, question, worth[id_], letters, right)
    points, points_max = max(points, Fraction(0)), sum((worth[one["id"]] for one in paper), Fraction(0))
    return Graded(
        sent.attempt_id,
        sent.quiz_id,
        sent.participant_id,
        points,
        points_max,
        points / points_max >= Fraction(rules["pass_percent"], 100),
        # As in the services, times have whole milliseconds.
        int((sent.submitted_at - sent.started_at).total_seconds()),
        sent.automatic,
    )


def _left_alone(graded: Graded, known: Known, results: Mapping[str, Json], erased: Collection[str]) -> Graded:
    """What was expected; of the erased what is stored, since corrections leave their results alone."""
    stored = results.get(graded.attempt_id)
    corrected = known.quizzes[graded.quiz_id].get("corrections")
    if stored is None or not corrected or graded.participant_id not in erased:
        return graded
    points, points_max = Fraction(stored["halves"], 2), Fraction(stored["halves_max"], 2)
    return replace(graded, points=points, points_max=points_max, passed=stored["passed"])


def _wrong_scores(graded: Mapping[str, Graded], results: Mapping[str, Json]) -> Iterator[str]:
    fields = ("quiz_id", "participant_id", "passed", "time_used_seconds")
    for attempt, should in graded.items():
        found = results.get(attempt)
        if found and (
            any(found[name] != getattr(should, name) for name in fields)
            or found.get("automatic", False) != should.automatic
            or (found["halves"], found["halves_max"]) != (2 * should.points, 2 * should.points_max)
        ):
            yield attempt


async def _rankings(
    log: Log,
    database: Database,
    quizzes: Mapping[str, Json],
    graded: Mapping[str, Graded],
    erased: Collection[str],
) -> AsyncIterator[Check]:
    closed = [quiz_id for quiz_id, quiz in quizzes.items() if quiz["status"] == "closed"]
    events, decided = last_closings(log), states_of_now(log)
    best: dict[str, tuple[int, int]] = {}
    for one in graded.values():
        if not does_count(decided, one.quiz_id, one.participant_id, one.attempt_id):
            continue
        who = f"{one.quiz_id}/{one.participant_id}"
        best[who] = max(best.get(who, (-1, 0)), (int(2 * one.points), -one.time_used_seconds))
    standings = {one["_id"]: one["order"] async for one in database["standings"].find()}
    # Results that a freeze holds back count as if they were in the standings.
    standing = dict(standings)
    async for one in database["held"].find():
        who = f"{one['quiz_id']}/{one['_id'].rpartition('/')[2]}"
        standing[who] = max(one["order"], standing.get(who, 0))
    # The erased are in the standings only if those were final before the erasure.
    best = {who: mark for who, mark in best.items() if who in standing or who.partition("/")[2] not in erased}
    yield compare("everyone graded has a standing", best, standing)
    yield true_of_all(
        "standings are the best results",
        (
            who
            for who, order in standing.items()
            if who in best and order >> FINISH_BITS != _order(*best[who])
        ),
        len(standing),
    )
    wrong_counts = await _wrongcounts(database, standings)
    yield true_of_all("ranks are counted from the standings", wrong_counts, len(standings))
    wrong = []
    for quiz_id in closed:
        marks = [mark for who, mark in best.items() if who.startswith(f"{quiz_id}/")]
        if quiz_id in events:
            published = events[quiz_id]
            listed = len({standing["participant_id"] for standing in published["standings"]})
            if (published["participants"], listed) != (len(marks), min(len(marks), STANDINGS_MAX)):
                wrong.append(quiz_id)
        for standing in events[quiz_id]["standings"] if quiz_id in events else ():
            mark = int(2 * standing["points"]), -standing["time_used_seconds"]
            rank = 1 + sum(other > mark for other in marks)
            if best.get(f"{quiz_id}/{standing['participant_id']}") != mark or standing["rank"] != rank:
                wrong.append(f"{quiz_id}/{standing['participant_id']}")
    yield true_of_all("final ranks are right", wrong, sum(len(e["standings"]) for e in events.values()))


async def _wrongcounts(database: Database, standings: Mapping[str, int]) -> list[str]:
    """The cells whose stored count differs from the number of standings in them."""
    counted: Counter[tuple[str, int]] = Counter()
    for name, quiz_field in (("rank_counts", "_id"), ("rank_changes", "quiz_id")):
        async for one in database[name].find():
            for cell, count in iter_unpack("<ii", one["cells"]):
                counted[one[quiz_field], cell] += count
    counted.subtract(Counter((who.partition("/")[0], _cell(order)) for who, order in standings.items()))
    return [f"{quiz_id}/{cell}" for (quiz_id, cell), surplus in counted.items() if surplus]


def _cell(order: int) -> int:
    """The cell that counts a standing, as docs/decisions/0020-points.md numbers them."""
    halves, left = divmod(order >> FINISH_BITS, TIME_SECONDS_MAX + 1)
    seconds = TIME_SECONDS_MAX - left
    wide = EXACT_SECONDS + max(seconds - EXACT_SECONDS, 0) // WIDE_SECONDS
    return halves * CELLS_A_SCORE + min(seconds, wide)


def _order(halves: int, minus_seconds: int) -> int:
    return halves * (TIME_SECONDS_MAX + 1) + TIME_SECONDS_MAX + max(minus_seconds, -TIME_SECONDS_MAX)
