"""Reads what concerns one award, from the log and the databases, and nothing else."""

import hashlib
from collections.abc import AsyncIterator, Collection
from datetime import datetime

from ops.audit.chain.facts import Facts, Json, Named, OfQuiz
from ops.audit.draws import text_of_list
from ops.audit.log import Keep, Log, read
from ops.deployment.databases import Databases
from ops.errors import CommandError
from shared.contracts import topics
from shared.contracts.typed_codes import typed_code
from shared.messaging.connection import Kafka
from shared.storage.mongo import Database

SUBMITTED, DECIDED = "quiz.submitted", "quiz.disqualification_decided"
ERASED, OBJECTED = "participant.erased", "award.objected"
OF_PERSON = frozenset(
    {
        "participant.joined",
        "registration.confirmed",
        "quiz.completed",
        "quiz.regraded",
        DECIDED,
        "award.issued",
        "award.revoked",
        "award.proposed",
        OBJECTED,
        "award.handed_over",
        "notification.delivered",
        "notification.failed",
    }
)
# If the next in rank moves up, the awards of all others decide who that is.
MOVING = frozenset({"award.issued", "award.revoked"})
OF_QUIZ = frozenset({"quiz.published", "quiz.closed", "quiz.cancelled"})
OF_DRAW = frozenset({"draw.announced", "award.drawn"})
OF_SELECTION = frozenset(topic.name for topic in topics.LIVE if topic.name.startswith("selection."))
NAMES = OF_PERSON | OF_QUIZ | OF_DRAW | OF_SELECTION | {SUBMITTED, ERASED}
# Of other people only this is needed.
OF_OTHERS = {"submission_id": 1}
WITHOUT_ANSWERS = {"answers": 0, "submitted_at": 0}


class AwardUnknown(CommandError):
    """No award has this code."""


def standard(typed: str) -> str:
    """A typed code in the form of the codes on certificates."""
    symbols = typed_code(typed).removeprefix("KW")
    return f"KW-{symbols[:5]}-{symbols[5:]}"


async def named_by(code: str, kafka: Kafka, awards: Database) -> tuple[Named, Json | None]:
    """
    The award of a code, and its row.

    Raises:
        AwardUnknown: neither the database nor the log has it.
    """
    row = await awards["awards"].find_one({"award_code": code})
    if row is not None:
        return Named(code, row["_id"], row["scheme_id"], row["recipient_id"]), row
    written = code.encode()
    log = read(kafka, {"award.issued", "award.revoked"}, lambda _, __, value: written in value)
    for topic in ("award.issued", "award.revoked"):
        for event in log.events(topic):
            if (body := event.body)["award_code"] == code:
                row = await awards["awards"].find_one({"_id": body["award_id"]})
                return Named(code, body["award_id"], body["scheme_id"], body["recipient_id"]), row
    raise AwardUnknown(
        f"no award has the code {code}: compare each sign with the certificate (I, L, O and U are never in "
        "a code); organisers find codes with GET /schemes/{scheme_id}/awards"
    )


def keep_of(named: Named, rule: Json) -> Keep:
    """Which records concern an award. Of a prize by rank, all attempts of its quiz concern it."""
    recipient, scheme = named.recipient_id.encode(), named.scheme_id.encode()
    quiz = str(rule.get("quiz_id", "")).encode()
    is_ranked = rule["type"] == "rank_tiers"

    def keep(topic: str, key: bytes, value: bytes) -> bool:
        if topic in (SUBMITTED, DECIDED):
            return bool(quiz) and quiz in value and (is_ranked or recipient in value)
        if topic == ERASED:
            return is_ranked or rule["type"] == "selected" or key == recipient
        if topic in OF_QUIZ:
            return key == quiz
        if topic in OF_DRAW or (topic in MOVING and rule.get("next_in_rank")):
            return scheme in value
        if topic in OF_SELECTION:
            return bool(rule["type"] == "selected")
        return key == recipient or (topic == OBJECTED and scheme in value)

    return keep


async def gather(
    code: str, kafka: Kafka, databases: Databases, now: datetime, services: Collection[str]
) -> Facts:
    """
    What concerns the award of this code.

    Raises:
        AwardUnknown: there is none.
    """
    awards = databases.awards
    named, row = await named_by(code, kafka, awards)
    scheme = await awards["schemes"].find_one({"_id": named.scheme_id})
    rule = (scheme or {}).get("rule") or {"type": "unknown"}
    return await facts_of(
        named, read(kafka, NAMES, keep_of(named, rule)), databases, now, row, scheme, services
    )


async def facts_of(
    named: Named,
    log: Log,
    databases: Databases,
    now: datetime,
    row: Json | None,
    scheme: Json | None,
    services: Collection[str],
) -> Facts:
    """The records of this log with the documents that belong to them."""
    awards, which = databases.awards, {"scheme_id": named.scheme_id, "recipient_id": named.recipient_id}
    rule = (scheme or {}).get("rule") or {}
    drawings = [one async for one in awards["drawings"].find({"scheme_id": named.scheme_id})]
    messages = None
    if "notifications" in services:
        of_award = {"participant_id": named.recipient_id, "kind": {"$regex": "^award_"}}
        messages = [one async for one in databases.notifications["messages"].find(of_award)]
    erased = {event.key for event in log.events(ERASED)}
    return Facts(
        named,
        log,
        now,
        row,
        scheme,
        await _of_quiz(databases.quiz, rule, named.recipient_id, erased),
        await awards["notices"].find_one({"_id": named.scheme_id}),
        await awards["proposals"].find_one(which),
        drawings,
        {(one["draw_id"], one["number"]): await text_of_list(awards, one["list_id"]) for one in drawings},
        await awards["handed_over"].find_one({"_id": named.award_id}),
        [one async for one in _prints(awards, named)],
        messages,
    )


async def _of_quiz(database: Database, rule: Json, recipient_id: str, erased: set[str]) -> OfQuiz | None:
    quiz_id = rule.get("quiz_id")
    if quiz_id is None or (quiz := await database["quizzes"].find_one({"_id": quiz_id})) is None:
        return None
    versions, of_quiz = database["quiz_versions"], {"quiz_id": quiz_id}
    mine = of_quiz | {"participant_id": recipient_id}
    results: dict[str, Json] = {}
    if rule["type"] == "rank_tiers":
        results = {one["_id"]: one async for one in database["results"].find(of_quiz, OF_OTHERS)}
    results |= {one["_id"]: one async for one in database["results"].find(mine, WITHOUT_ANSWERS)}
    whose = [f"{quiz_id}/{one}" for one in erased]
    return OfQuiz(
        quiz,
        {(quiz_id, one["version"]): one["definition"] async for one in versions.find(of_quiz)},
        results,
        frozenset([one["_id"] async for one in database["parked"].find({}, {"_id": 1})]),
        await database["disqualifications"].find_one({"_id": f"{quiz_id}/{recipient_id}"}),
        frozenset([one["_id"] async for one in database["standings"].find({"_id": {"$in": whose}})]),
    )


async def _prints(database: Database, named: Named) -> AsyncIterator[tuple[str, str]]:
    """The files for printers that have a page of this award, each with the digest of its PDF."""
    async for one in database["prints"].find({"scheme_id": named.scheme_id}, {"_id": 1}):
        which = {"print_id": one["_id"], "recipient_ids": named.recipient_id}
        async for file in database["print_files"].find(which):
            yield file["_id"], hashlib.sha256(file.get("pdf") or b"").hexdigest()
