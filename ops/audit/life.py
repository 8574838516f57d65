"""The audit of the lives of quizzes: drafts, later ends, cancellations with their messages, removals."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID, uuid5

from ops.audit.findings import Check, compare, kept, true_of_all
from ops.audit.log import Log
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]
Definitions: TypeAlias = Mapping[tuple[str, int], Json]
# The namespace of the ids of messages about cancellations: docs/decisions/0061-cancelled-quizzes.md
REQUESTS = UUID("3f8f3f0e-52a8-5a0c-9c39-6d1f2d7f7a41")


async def life_checks(
    log: Log,
    database: Database,
    quizzes: Mapping[str, Json],
    removed: Mapping[str, int],
    definitions: Definitions,
    erased: Collection[str],
) -> AsyncIterator[Check]:
    """
    Compare the lives of quizzes with their events.

    Args:
        removed: the last versions of removed quizzes.
    """
    cancelled = {quiz_id for quiz_id, quiz in quizzes.items() if quiz["status"] == "cancelled"}
    said = [(event.body["quiz_id"], event.body["version"]) for event in log.events("quiz.cancelled")]
    yield compare(
        "cancellations and removals are published (quiz.cancelled)",
        {
            *(f"{quiz_id}/{quizzes[quiz_id]['version']}" for quiz_id in cancelled),
            *(f"{quiz_id}/{version}" for quiz_id, version in removed.items()),
        },
        # Of a name that was removed several times, the last removal is stored.
        (f"{quiz_id}/{version}" for quiz_id, version in said if version >= removed.get(quiz_id, 0)),
    )
    closed = {event.body["quiz_id"] for event in log.events("quiz.closed")}
    yield true_of_all("cancelled quizzes have no final standings", cancelled & closed, len(cancelled))
    published = {(e.body["quiz_id"], e.body["version"]): e.body for e in log.events("quiz.published")}
    drafts = {one["_id"] async for one in database["quiz_drafts"].find({}, {"_id": 1})}
    yield true_of_all("no draft is published", drafts & quizzes.keys(), len(drafts))
    yield true_of_all(
        "definitions are as published", differing_definitions(published, definitions), len(definitions)
    )
    yield true_of_all("quizzes end as published", _ends(quizzes, published), len(quizzes))
    jobs = [one async for one in database["quiz_cancellations"].find({"unfinished": False})]
    asked = {str(event.body.get("request_id")) for event in log.events("notification.requested")}
    expected = [
        str(uuid5(REQUESTS, f"{job['quiz_id']}/{job['version']}/{who}"))
        for job in jobs
        for who in await _people(database, job["quiz_id"])
        if who not in erased
    ]
    yield kept("everybody in a cancelled quiz is told", expected, asked)


async def _people(database: Database, quiz_id: str) -> set[str]:
    which, field = {"quiz_id": quiz_id}, {"participant_id": 1}
    return {
        one["participant_id"]
        for name in ("attempts", "results")
        async for one in database[name].find(which, field)
    }


def differing_definitions(
    published: Mapping[tuple[str, int], Json], definitions: Definitions
) -> Iterator[str]:
    """The versions that say something else than what was published of them."""
    for version, definition in definitions.items():
        said = published.get(version)
        if said is None or _said(definition) != _said(said):
            yield f"{version[0]}/{version[1]}"


def _said(quiz: Json) -> tuple[Any, ...]:
    questions = [
        (one["id"], one["text"], [(option["id"], option["text"]) for option in one["options"]])
        for one in quiz["questions"]
    ]
    times = [datetime.fromisoformat(quiz[name]) for name in ("opens_at", "closes_at")]
    return quiz["title"], times, quiz["duration_seconds"], quiz["blueprint"], questions


def _ends(quizzes: Mapping[str, Json], published: Mapping[tuple[str, int], Json]) -> Iterator[str]:
    """Quizzes that accept longer than their present version says, or shorter while they are open."""
    for quiz_id, quiz in quizzes.items():
        said = published.get((quiz_id, quiz["version"]))
        if said is None:
            continue
        ends = _stored(datetime.fromisoformat(said["closes_at"]))
        if quiz["closes_at"] > ends or (quiz["status"] == "open" and quiz["closes_at"] != ends):
            yield quiz_id


def _stored(moment: datetime) -> datetime:
    """MongoDB stores whole milliseconds."""
    return moment.replace(microsecond=moment.microsecond // 1_000 * 1_000)
