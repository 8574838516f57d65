"""One thing of each kind spoilt in a week at rest, and the statement of the audit that has to fail by it."""

from datetime import UTC, datetime

from ops.audit.run import Audit
from ops.deployment.databases import Databases
from shared.messaging.publisher import Record
from shared.storage.mongo import Document

# Database, collection, which document, what is done to it (None: it is deleted), and who notices.
SPOILT: tuple[tuple[str, str, Document, Document | None, str], ...] = (
    ("quiz", "results", {}, None, "submissions are graded"),
    ("quiz", "results", {}, {"$bit": {"halves": {"xor": 1}}}, "scores are right"),
    ("quiz", "results", {"automatic": True}, {"$unset": {"automatic": ""}}, "scores are right"),
    ("quiz", "standings", {}, None, "everyone graded has a standing"),
    # The change comes last, so that the document that was changed is not deleted.
    ("quiz", "standings", {}, None, "ranks are counted from the standings"),
    ("quiz", "standings", {}, {"$bit": {"order": {"xor": 1 << 52}}}, "standings are the results that count"),
    (
        "quiz",
        "quizzes",
        {"telling": {"$exists": True}},
        {"$set": {"closes_at": datetime(2099, 1, 1, tzinfo=UTC)}},
        "withheld results are published after the end of their quiz",
    ),
    (
        "quiz",
        "divisions",
        {"final": {"$gt": 0}},
        {"$set": {"boards": "others"}},
        "final boards of divisions have their people in order",
    ),
    ("quiz", "flags", {"kind": "too_fast"}, None, "attempts that were too fast are flagged"),
    (
        "quiz",
        "flags",
        {"kind": "answers_alike"},
        {"$inc": {"figures.identical": 1}},
        "answers flagged as alike are alike",
    ),
    (
        "quiz",
        "flags",
        {"kind": "answers_alike"},
        {"$set": {"who.0.attempt_id": "other"}},
        "answers that were copied are flagged",
    ),
    (
        "quiz",
        "removed_quizzes",
        {},
        {"$inc": {"version": 5}},
        "cancellations and removals are published (quiz.cancelled)",
    ),
    (
        "quiz",
        "quiz_versions",
        {"definition.title": "彩排赛"},
        {"$set": {"definition.title": "别的名称"}},
        "definitions are as published",
    ),
    (
        "quiz",
        "quizzes",
        {"status": "cancelled"},
        {"$set": {"closes_at": datetime(2099, 1, 1, tzinfo=UTC)}},
        "quizzes end as published",
    ),
    (
        "quiz",
        "quiz_cancellations",
        {},
        {"$inc": {"version": 1}},
        "everybody in a cancelled quiz is told",
    ),
    ("awards", "awards", {"kind": "prize"}, None, "awards are given"),
    ("awards", "drawings", {}, {"$inc": {"version": 1}}, "draws are as published"),
    ("awards", "draw_lists", {}, {"$set": {"text": "p1 1\n"}}, "winners are those of the list and the seed"),
    (
        "awards",
        "names",
        {"shown": "masked"},
        {"$set": {"shown": "full"}},
        "awards has the names that it was told of",
    ),
    (
        "registration",
        "award_names",
        {"shown": "none"},
        {"$set": {"shown": "full"}},
        "names are shown as their holders have chosen",
    ),
    (
        "awards",
        "awards",
        {"kind": "certificate"},
        {"$set": {"tier": "other"}},
        "what is published is what is stored",
    ),
    (
        "awards",
        "awards",
        {"revoked_at": {"$exists": True}},
        {"$unset": {"revoked_at": ""}},
        "revocations acknowledged hold",
    ),
    (
        "awards",
        "awards",
        {"credentials": {"$exists": True}},
        {"$inc": {"credentials.0.version": 5}},
        "credentials are of versions that were issued",
    ),
    (
        "awards",
        "proposals",
        {"code": "objection"},
        {"$unset": {"code": ""}},
        "what is proposed is what is earned, without what was objected to",
    ),
    (
        "awards",
        "selection_scores",
        {"given.0": {"$exists": True}, "expert_id": {"$exists": True}},
        {"$inc": {"given.0.points.0": 1}},
        "all scores that count are published, as stored",
    ),
    (
        "awards",
        "objections",
        {"selection_id": {"$exists": True}, "outcome": "dismissed"},
        {"$set": {"outcome": "upheld"}},
        "objections are published (award.objected)",
    ),
    (
        "awards",
        "print_files",
        {},
        {"$set": {"recipient_ids.0": "somebody-else"}},
        "files for printers hold each award of their scheme once",
    ),
    (
        "awards",
        "handed_over",
        {"handed_over": True},
        {"$set": {"by_proxy": True}},
        "what is noted as handed over is what was published last",
    ),
    (
        "awards",
        "arrivals",
        {"here": True},
        {"$set": {"here": False}},
        "who is there is whom registration let in",
    ),
    ("notifications", "messages", {"channel": "email"}, None, "everyone concerned is notified"),
    (
        "notifications",
        "messages",
        # What was said to the erased is gone, and is nothing to be compared any more.
        {"kind": "award_issued", "facts": {"$exists": True}},
        {"$set": {"facts.award_code": "other"}},
        "what is said is what happened",
    ),
    (
        "notifications",
        "messages",
        {"channel": "inbox", "facts": {"$exists": True}},
        {"$set": {"state": "cancelled"}},
        "who has an address gets mail, all an inbox",
    ),
    (
        "notifications",
        "messages",
        {"channel": "inbox", "state": "delivered"},
        {"$set": {"state": "failed"}},
        "failures are published (notification.failed)",
    ),
    ("registration", "registrations", {"status": "confirmed"}, None, "outcomes are published"),
    (
        "registration",
        "registrations",
        {"status": "confirmed"},
        {"$set": {"ticket_locked": "other"}},
        "every step of a registration is published once",
    ),
    (
        "registration",
        "registrations",
        {"status": "confirmed"},
        {"$set": {"status": "cancelled"}},
        "the last outcome published is what is stored",
    ),
    (
        "registration",
        "registrations",
        {"status": "confirmed"},
        {"$inc": {"version": 1}},
        "every version of a registration is published once",
    ),
    (
        "registration",
        "registrations",
        # Of the erased, who have no ticket any more, nobody is to be told.
        {"status": "confirmed", "ticket_locked": {"$ne": None}},
        {"$inc": {"told_version": 1}},
        "people know where their session is now",
    ),
    (
        "registration",
        "assignments",
        {"status": "assigned"},
        None,
        "every version of an assignment is published once",
    ),
    (
        "registration",
        "assignments",
        {"status": "ended"},
        {"$set": {"status": "assigned"}},
        "the last step of an assignment is what is stored",
    ),
    (
        "registration",
        "rotas",
        {"closed": False},
        {"$set": {"shifts.0.most": 0}},
        "no shift has more people than it may have",
    ),
    ("registration", "rotas", {}, {"$set": {"venue": "other"}}, "rotas follow their sessions"),
    (
        "registration",
        "assignments",
        {"status": "assigned"},
        {"$set": {"told_venue": "other"}},
        "people on rotas know when and where, and the erased are on none",
    ),
    ("registration", "contact_keys", {}, None, "participants have a key, and the erased none"),
    ("registration", "sessions", {}, {"$inc": {"taken": 1}}, "no session is oversold"),
    (
        "registration",
        "scans",
        {"people": {"$gt": 0}},
        {"$inc": {"people": 1}},
        "as many people are in as scans have let in, and no more than booked",
    ),
    # Not the one whose key is gone.
    (
        "registration",
        "participants",
        {"kind": "person"},
        None,
        "participants are published (participant.joined)",
    ),
    (
        "registration",
        "requests",
        {"verdict": "rejected"},
        None,
        "refusals are published (registration.rejected)",
    ),
)
PROMISED = (
    ('["submitted", "no-such-receipt", "no-such-attempt"]', "submissions acknowledged are in the log"),
    ('["submitted", "no-such-receipt", "no-such-attempt"]', "submissions acknowledged are graded"),
    ('["saved", "no-such-attempt", "1"]', "saves acknowledged are in the log"),
    ('["assigned", "no-such-assignment"]', "who was put on a rota is there"),
    ('["emitted", "no-such-event", "quiz.submitted"]', "what others emitted is in the log"),
    ('["streamed", "no-such-quiz/nobody", "1 20"]', "final standings that were streamed were published"),
)
DOUBLED = (
    ("quiz.published", "quizzes are published (quiz.published)"),
    ("quiz.completed", "results are published (quiz.completed)"),
    ("quiz.closed", "closed quizzes are published once"),
    ("award.issued", "awards are published (award.issued)"),
    ("award.revoked", "revocations are published (award.revoked)"),
    ("award.handed_over", "awards handed over are published (award.handed_over)"),
    ("notification.delivered", "deliveries are published (notification.delivered)"),
)
NOTICED = {row[-1] for table in (SPOILT, PROMISED, DOUBLED) for row in table}


async def spoil(databases: Databases) -> None:
    """Spoil the databases."""
    for database, collection, which, change, _ in SPOILT:
        documents = getattr(databases, database)[collection]
        done = await (documents.update_one(which, change) if change else documents.delete_one(which))
        count = done.modified_count if change else done.deleted_count
        assert count == 1, f"{database}.{collection} has none of {which}"


def doubles(found: Audit) -> list[Record]:
    """An event of each kind again, under another id."""
    records: list[Record] = []
    for topic, _ in DOUBLED:
        event = found.log.events(topic)[0]
        headers = [(name, text.encode()) for name, text in event.headers.items() if name != "ce_id"]
        headers.append(("ce_id", b"another-id"))
        records.append((topic, event.key.encode(), event.value, headers))
    return records
