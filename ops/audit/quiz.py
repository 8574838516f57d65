"""The audit of quiz: every submission in the log is checked, graded and ranked again, by other code."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, TypeAlias
from zlib import crc32

from ops.audit.corrections import correction_checks, same_as_first
from ops.audit.decisions import closing_checks, decision_checks
from ops.audit.divisions import board_checks
from ops.audit.fair_play import flag_checks
from ops.audit.findings import Check, compare, kept, true_of_all
from ops.audit.known import Known, counts
from ops.audit.life import life_checks
from ops.audit.literacy import literacy_checks
from ops.audit.log import Entry, Log, read_as
from ops.audit.papers import points_of
from ops.audit.rankings import Graded, ranking_checks
from ops.audit.saved import saved_checks
from ops.audit.withheld import published_checks
from ops.deployment.ledger import Promise
from shared.contracts.envelope import REDRIVEN_FROM, event_id
from shared.contracts.events import QuizAnswersSaved, QuizPublished, QuizSubmitted
from shared.messaging.create_topics import GROWS, PARTITIONS_MAX
from shared.messaging.publisher import ACKNOWLEDGED_SECONDS_MAX
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]
TOPIC, GROUP, SAVED = "quiz.submitted", "quiz-grading", "quiz.answers_saved"
# The numbers of partitions that the topic may have had.
COUNTS = [count for count in (GROWS.partitions << n for n in range(8)) if count <= PARTITIONS_MAX]
UNDER_WAY_MS_MAX = ACKNOWLEDGED_SECONDS_MAX * 1000


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
    good, bad, dropped = judged(log, known, erased)
    firsts = dict(first_of_each(good, results))
    # By the keys of now. Final standings go by these also for the erased.
    now = {
        attempt: graded_again(first, known)
        for attempt, first in firsts.items()
        if attempt not in parked and (attempt in results or first.body["participant_id"] not in erased)
    }
    graded = {attempt: left_alone(one, known, results, erased) for attempt, one in now.items()}
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
        _given_up(log, {entry.place for entry in bad}),
        compare("submissions are graded", graded, results),
        true_of_all("scores are right", wrong_scores(graded, results), len(graded)),
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
        *await flag_checks(database, firsts, results, known, erased, promises, quizzes),
        *[check async for check in life_checks(log, database, quizzes, removed, definitions, erased)],
        *[check async for check in ranking_checks(log, database, known, now, erased)],
        *[check async for check in literacy_checks(database, quizzes, erased)],
        *[check async for check in board_checks(log, database, known, graded)],
        _streamed(log, promises),
    ]


def _given_up(log: Log, refused: set[str]) -> Check:
    return compare("refused submissions are dead-lettered", refused, log.given_up(TOPIC, GROUP, refused))


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


def _streamed(log: Log, promises: Sequence[Promise]) -> Check:
    """What listeners were told at the close is what `quiz.closed` says, in one of its versions."""
    return kept(
        "final standings that were streamed were published",
        (f"{promise.id} {promise.detail}" for promise in promises if promise.kind == "streamed"),
        (
            f"{closing.body['quiz_id']}/{one['participant_id']} {one['rank']} {one['points']:g}"
            for closing in log.events("quiz.closed")
            for one in closing.body["standings"]
        ),
    )


def _published(log: Log, quizzes: Mapping[str, Json], removed: Mapping[str, int]) -> set[str]:
    """The published quizzes, and the ids of events about versions that never existed."""
    versions = {
        event_id(f"{quiz_id}/{version}", QuizPublished.type): quiz_id
        for quiz_id, last in {**removed, **{name: quiz["version"] for name, quiz in quizzes.items()}}.items()
        for version in range(1, last + 1)
    }
    return {versions.get(event.id, event.id) for event in log.events("quiz.published")}


def judged(log: Log, known: Known, erased: Collection[str]) -> tuple[list[Entry], list[Entry], list[str]]:
    """Submissions that may count, those that may not, and attempts of the erased, which may be dropped."""
    dead = log.given_up(TOPIC, GROUP, ())
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


def first_of_each(good: list[Entry], results: Mapping[str, Json]) -> Iterator[tuple[str, Entry]]:
    """Each attempt, with the submission that counts: the first in its partition; of several, by time."""
    by_attempt: dict[str, list[Entry]] = {}
    for entry in sorted(good, key=lambda entry: (entry.partition, entry.offset)):
        by_attempt.setdefault(entry.body["attempt_id"], []).append(entry)
    for attempt, entries in by_attempt.items():
        firsts = {entry.partition: entry for entry in reversed(entries)}.values()
        counted = results.get(attempt, {}).get("submission_id")
        earliest = min(firsts, key=lambda entry: (entry.time_ms, entry.partition))
        may_count = [one for one in firsts if one is earliest or _in_no_order(attempt, earliest, one)]
        yield attempt, next((entry for entry in may_count if entry.id == counted), earliest)


def _in_no_order(attempt: str, one: Entry, other: Entry) -> bool:
    """
    True if either of two submissions in two partitions may count.

    A sender with a different partitioner may use two partitions. If the topic got more partitions, they are
    in order: but not if the first one was not acknowledged yet when the other one was written, or if somebody
    has sent one of them again.
    """
    places = {crc32(attempt.encode()) % count for count in COUNTS}
    by_key = {one.partition, other.partition} <= places
    sent_again = any(REDRIVEN_FROM in each.alike for each in (one, other))
    return not by_key or sent_again or abs(other.time_ms - one.time_ms) <= UNDER_WAY_MS_MAX


def graded_again(entry: Entry, known: Known) -> Graded:
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
        _milliseconds(sent.submitted_at, datetime.fromisoformat(known.published[version]["opens_at"])),
    )


def _milliseconds(submitted_at: datetime, opens_at: datetime) -> int:
    """The moment of finishing, in whole milliseconds, as it is counted from the opening."""
    whole = submitted_at.replace(microsecond=submitted_at.microsecond // 1_000 * 1_000)
    return (whole - opens_at) // timedelta(milliseconds=1)


def left_alone(graded: Graded, known: Known, results: Mapping[str, Json], erased: Collection[str]) -> Graded:
    """What was expected; of the erased what is stored, since corrections leave their results alone."""
    stored = results.get(graded.attempt_id)
    corrected = known.quizzes[graded.quiz_id].get("corrections")
    if stored is None or not corrected or graded.participant_id not in erased:
        return graded
    points, points_max = Fraction(stored["halves"], 2), Fraction(stored["halves_max"], 2)
    return replace(graded, points=points, points_max=points_max, passed=stored["passed"])


def wrong_scores(graded: Mapping[str, Graded], results: Mapping[str, Json]) -> Iterator[str]:
    fields = ("quiz_id", "participant_id", "passed", "time_used_seconds")
    for attempt, should in graded.items():
        found = results.get(attempt)
        if found and (
            any(found[name] != getattr(should, name) for name in fields)
            or found.get("automatic", False) != should.automatic
            or (found["halves"], found["halves_max"]) != (2 * should.points, 2 * should.points_max)
        ):
            yield attempt
