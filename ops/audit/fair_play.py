"""The audit of flags: each says what the log says, and what must be flagged is flagged."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, TypeAlias

from ops.audit.findings import Check, compare, kept, true_of_all
from ops.audit.known import Known
from ops.audit.log import Entry, read_as
from ops.deployment.ledger import Promise
from shared.contracts.events import QuizSubmitted
from shared.runtime import clock
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]
TIMES = ("too_fast", "all_right_too_fast")
# To read a question takes so long at least.
SECONDS_A_QUESTION = 1
# When results have changed, the quiz is examined again within this time.
EXAMINED_WITHIN = timedelta(minutes=10)


async def flag_checks(
    database: Database,
    firsts: Mapping[str, Entry],
    results: Mapping[str, Json],
    known: Known,
    erased: Collection[str],
    promises: Iterable[Promise],
    quizzes: Mapping[str, Json],
) -> list[Check]:
    """
    Compare the flags of quizzes that were examined after their close with the submissions that count.

    A flag that somebody has judged stays, also if it does not hold any more.

    Args:
        firsts: by attempt, the submission that counts.
        results: by attempt, `halves`, `halves_max` and `time_used_seconds`.
    """
    examined = await _examined(database, quizzes)
    flags = [
        one
        async for one in database["flags"].find({"quiz_id": {"$in": [*examined]}})
        if not {person["participant_id"] for person in one["who"]} & set(erased)
    ]
    times = {
        f"{kind}/{attempt}"
        for attempt, entry in firsts.items()
        if attempt in results and entry.body["quiz_id"] in examined
        for kind in _kinds_of_time(entry, results[attempt], known)
        if entry.body["participant_id"] not in erased
        and not examined[entry.body["quiz_id"]]["found"]["left_out"].get(kind)
    }
    found = (
        _name(flag)
        for flag in flags
        if flag["kind"] in TIMES and not examined[flag["quiz_id"]]["found"]["left_out"].get(flag["kind"])
        if not flag.get("judgement") or _name(flag) in times
    )
    return [
        compare("attempts that were too fast are flagged", times, found),
        *_checks_of_pairs(flags, examined, firsts, known, erased, promises),
    ]


def _checks_of_pairs(
    flags: Iterable[Json],
    examined: Collection[str],
    firsts: Mapping[str, Entry],
    known: Known,
    erased: Collection[str],
    promises: Iterable[Promise],
) -> list[Check]:
    pairs = [flag for flag in flags if flag["kind"] == "answers_alike"]
    alike = [flag for flag in pairs if not flag.get("judgement")]
    flagged = {frozenset(person["attempt_id"] for person in flag["who"]) for flag in pairs}
    copied = [promise for promise in promises if promise.kind == "copied"]
    return [
        true_of_all(
            "answers flagged as alike are alike",
            (flag["_id"] for flag in alike if not _is_alike(flag, firsts, known)),
            len(alike),
        ),
        kept(
            "answers that were copied are flagged",
            (
                one.id
                for one in copied
                if all(
                    attempt in firsts
                    and firsts[attempt].body["quiz_id"] in examined
                    and firsts[attempt].body["participant_id"] not in erased
                    for attempt in (one.id, one.detail)
                )
            ),
            (one.id for one in copied if {one.id, one.detail} in flagged),
        ),
    ]


async def _examined(database: Database, quizzes: Mapping[str, Json]) -> dict[str, Json]:
    """The examinations after the close by which flags are as they are now, by quiz."""
    return {
        one["_id"]: one
        async for one in database["examinations"].find({"final": True})
        if not _is_examined_again(one, quizzes.get(one["_id"], {}))
    }


def _name(flag: Json) -> str:
    return f"{flag['kind']}/{flag['who'][0]['attempt_id']}"


def _is_examined_again(examination: Json, quiz: Json) -> bool:
    """Whether results have changed a moment ago, for which the quiz is examined again soon."""
    revised_at = quiz.get("revised_at")
    if revised_at is None or examination["made_at"] > revised_at:
        return False
    return bool(revised_at > clock.now() - EXAMINED_WITHIN)


def _kinds_of_time(entry: Entry, result: Json, known: Known) -> Iterator[str]:
    version = known.version(entry.body["quiz_id"], entry.body.get("quiz_version"))
    if version is None:
        return
    seconds, least = result["time_used_seconds"], known.published[version].get("least_plausible_seconds")
    if least is not None and seconds < least:
        yield "too_fast"
    questions = len(known.paper(version, entry.body["attempt_id"])[0])
    if result["halves"] == result["halves_max"] and seconds < SECONDS_A_QUESTION * questions:
        yield "all_right_too_fast"


def _is_alike(flag: Json, firsts: Mapping[str, Entry], known: Known) -> bool:
    attempts = [person["attempt_id"] for person in flag["who"]]
    if any(attempt not in firsts for attempt in attempts):
        return False
    one, other = (_wrong(firsts[attempt], known) for attempt in attempts)
    figures = flag["figures"]
    return (
        figures["identical"] == len(one & other)
        and list(figures["wrong"]) == [len(one), len(other)]
        and figures["chance"] <= figures["chance_max"]
    )


def _wrong(entry: Entry, known: Known) -> set[tuple[str, frozenset[str]]]:
    sent = read_as(entry, QuizSubmitted)
    version = known.version(sent.quiz_id, sent.quiz_version) if sent else None
    if sent is None or version is None:
        return set()
    keys = known.keys(version)
    return {
        (question, frozenset(letters))
        for question, letters in sent.answers.items()
        if letters and keys[question] is not None and frozenset(letters) != keys[question]
    }
