"""
Schemes, awards, and what awards needs to remember of quizzes, in MongoDB.

results    what participants reached, one document a batch and quiz, under "quiz/time-chance": whoever
           applies a scheme late reads them in order, and nobody looks for one of them, so
           they are a log and no projection by participant (docs/decisions/0009-award-ids-and-ties.md)
awards     an award's id tells its scheme and derives from its recipient (`codes.award_id`), so that
           neither a scheme's awards nor a recipient's need an index of their own
"""

from collections import defaultdict
from collections.abc import Collection as Some
from collections.abc import Iterable, Sequence
from datetime import datetime
from secrets import token_hex

from msgspec.structs import replace

from services.awards import announcing
from services.awards.codes import award_id
from services.awards.rules import Award, Closing, Result
from services.awards.schemes import Scheme
from shared.contracts.events import FinalStanding
from shared.runtime.errors import Conflict
from shared.runtime.owned_ids import ids_in
from shared.storage import mongo, outbox
from shared.storage.mongo import ASCENDING, DESCENDING, Database, Document, DuplicateKeyError, Session

SCHEMES_MAX = 500
OWN_AWARDS_MAX = 200
ANSWER_DOCUMENTS_MAX = 1_000
# Batches of results in one answer; a full one has 150 KB.
RESULTS_ANSWER_MAX = 50


class AwardStore:
    """The awards service's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._schemes = database["schemes"]
        self._awards = database["awards"]
        self._results = database["results"]
        self._closings = database["closings"]
        self._remembered: list[str] = []
        # A scheme in use stays in use, so each process marks it once.
        self._in_use: set[Scheme] = set()

    async def prepare(self) -> None:
        """Create the collections and indexes; a transaction must not have to."""
        with mongo.outages_named():
            await self._awards.create_index([("award_code", ASCENDING)], unique=True)
            await self._schemes.create_index([("rule.quiz_id", ASCENDING)])

    async def put_scheme(self, scheme: Scheme) -> None:
        """
        Store a scheme, new or changed.

        Raises:
            Conflict: it is in use and only its title may change, or there are `SCHEMES_MAX`.
        """
        document = scheme.model_dump(mode="json", exclude={"scheme_id"})
        changeable: Document = {
            "_id": scheme.scheme_id,
            "$or": [
                {"in_use": {"$ne": True}},
                {"rule": document["rule"], "kind": document["kind"]},
            ],
        }
        with mongo.outages_named():
            if not await self._schemes.find_one({"_id": scheme.scheme_id}, {"_id": 1}):
                if await self._schemes.count_documents({}) >= SCHEMES_MAX:
                    raise Conflict(f"there are {SCHEMES_MAX} schemes already", code="too_many_schemes")
                try:
                    await self._schemes.insert_one({"_id": scheme.scheme_id, **document})
                except DuplicateKeyError:
                    # Somebody else has just put it: then this is a change.
                    pass
                else:
                    return
            changed = await self._schemes.update_one(changeable, {"$set": document})
        if changed.matched_count == 0:
            raise Conflict(
                f"scheme {scheme.scheme_id} has awards: only its title may change", code="scheme_in_use"
            )

    async def use(self, scheme: Scheme) -> bool:
        """Fix a scheme's rule before its first award; False if it is no longer the stored one."""
        if scheme in self._in_use:
            return True
        document = scheme.model_dump(mode="json")
        stored = {"_id": scheme.scheme_id, "rule": document["rule"], "kind": document["kind"]}
        with mongo.outages_named():
            used = await self._schemes.update_one(stored, {"$set": {"in_use": True}})
        if used.matched_count:
            self._in_use.add(scheme)
        return bool(used.matched_count)

    async def scheme(self, scheme_id: str) -> Scheme | None:
        """The scheme of this id."""
        with mongo.outages_named():
            document = await self._schemes.find_one({"_id": scheme_id})
        return _scheme(document) if document else None

    async def schemes(self) -> list[Scheme]:
        """All schemes, by id."""
        return await self._schemes_where({})

    async def schemes_of(self, quiz_ids: Iterable[str]) -> list[Scheme]:
        """The schemes whose rule looks at one of these quizzes."""
        return await self._schemes_where({"rule.quiz_id": {"$in": sorted(set(quiz_ids))}})

    async def _schemes_where(self, condition: Document) -> list[Scheme]:
        with mongo.outages_named():
            found = self._schemes.find(condition).sort("_id", ASCENDING).limit(SCHEMES_MAX)
            return [_scheme(document) for document in await found.to_list(None)]

    async def remember_results(self, results: Sequence[Result], now: datetime) -> None:
        """
        Keep what participants have reached; of a repeat twice, which does no harm.

        Not of one after the other in this process: while Kafka is away a batch is tried again for hours.
        """
        ids = [result.result_id for result in results]
        if ids == self._remembered:
            return
        by_quiz: dict[str, list[Result]] = defaultdict(list)
        for result in results:
            by_quiz[result.quiz_id].append(result)
        at = f"{int(now.timestamp() * 1000):012x}-{token_hex(8)}"
        documents: list[Document] = [
            {
                "_id": f"{quiz_id}/{at}",
                "results": [result.result_id for result in of],
                "participants": [result.participant_id for result in of],
                "scores": [result.score_percent for result in of],
            }
            for quiz_id, of in by_quiz.items()
        ]
        await mongo.insert_new(self._results, documents)
        self._remembered = ids

    async def results_of(self, quiz_id: str, after: str, limit: int) -> tuple[list[Result], str | None]:
        """
        The results of a quiz from what was remembered after `after`: `limit`, and the rest of the last batch.

        Returns: the results, and where to go on if there may be more.
        """
        # "0" follows "/" in ASCII and neither occurs in an id where "/" stands: all of the quiz.
        ids = {"$gt": f"{quiz_id}/{after}", "$lt": f"{quiz_id}0"}
        results: list[Result] = []
        with mongo.outages_named():
            found = self._results.find({"_id": ids}).sort("_id", ASCENDING).batch_size(RESULTS_ANSWER_MAX)
            async for document in found:
                reached = zip(document["results"], document["participants"], document["scores"], strict=True)
                results += [Result(id_, quiz_id, participant, score) for id_, participant, score in reached]
                if len(results) >= limit:
                    return results, document["_id"].removeprefix(f"{quiz_id}/")
        return results, None

    async def remember_closings(self, closings: Sequence[Closing]) -> None:
        """Keep the final standings of quizzes; the first closing of a quiz stays."""
        documents = [
            {
                "_id": closing.quiz_id,
                "participants": closing.participants,
                "standings": [standing.model_dump() for standing in closing.standings],
            }
            for closing in closings
        ]
        await mongo.insert_new(self._closings, documents)

    async def closing(self, quiz_id: str) -> Closing | None:
        """The final standings of a quiz, once it is closed."""
        with mongo.outages_named():
            document = await self._closings.find_one({"_id": quiz_id})
        if document is None:
            return None
        standings = [FinalStanding(**standing) for standing in document["standings"]]
        return Closing(quiz_id, document["participants"], standings)

    async def awards(self, award_ids: Some[str], session: Session | None = None) -> dict[str, Award]:
        """Those of these awards that exist, by id."""
        if not award_ids:
            return {}
        with mongo.outages_named():
            answer = self._awards.find({"_id": {"$in": list(award_ids)}}, session=session)
            found = await answer.batch_size(ANSWER_DOCUMENTS_MAX).to_list(None)
        return {document["_id"]: _award(document) for document in found}

    async def codes_taken(self, codes: Iterable[str]) -> set[str]:
        """Those of these codes that stand on an award already."""
        with mongo.outages_named():
            found = await self._awards.find({"award_code": {"$in": list(codes)}}, {"award_code": 1}).to_list(
                None
            )
        return {document["award_code"] for document in found}

    async def add_new(self, awards: Sequence[Award]) -> list[Award]:
        """Insert awards that are not there yet; returns those, the others are left alone."""
        there = await mongo.insert_new(self._awards, [_document(award) for award in awards])
        return [award for place, award in enumerate(awards) if place not in there]

    async def add_and_tell(self, awards: Sequence[Award]) -> tuple[list[Award], dict[str, Award]]:
        """Add those that are not there yet, with their events in the outbox; returns the new and the old."""

        async def work(session: Session) -> tuple[list[Award], dict[str, Award]]:
            there = await self.awards([award.award_id for award in awards], session)
            new = [award for award in awards if award.award_id not in there]
            if new:
                await self._awards.insert_many([_document(award) for award in new], session=session)
                await outbox.append(self._database, session, [announcing.issued(award) for award in new])
            return new, there

        return await mongo.in_transaction(self._database, work)

    async def revoke(self, award_id: str, reason: str, now: datetime) -> tuple[Award, bool] | None:
        """Revoke an award and tell of it; returns it and whether it held until now, None if there is none."""

        async def work(session: Session) -> tuple[Award, bool] | None:
            award = (await self.awards([award_id], session)).get(award_id)
            if award is None or not award.held:
                return (award, False) if award else None
            revoked = replace(award, revoked_at=now, reason=reason)
            change = {"$set": {"revoked_at": now, "reason": reason}}
            await self._awards.update_one({"_id": award_id}, change, session=session)
            # A consumer may have crashed between storing and telling, and will not tell of a
            # revoked award. So tell of it here; to whoever knows it is the same event again.
            told = [] if award.relayed else [announcing.issued(award)]
            await outbox.append(self._database, session, [*told, announcing.revoked(revoked)])
            return revoked, True

        return await mongo.in_transaction(self._database, work)

    async def award_of_code(self, code: str) -> Award | None:
        """The award that a code stands on."""
        with mongo.outages_named():
            document = await self._awards.find_one({"award_code": code})
        return _award(document) if document else None

    async def awards_of_recipient(self, recipient_id: str) -> list[Award]:
        """
        A recipient's awards, the latest first, at most `OWN_AWARDS_MAX`.

        One a scheme at most, and schemes are few: their ids are worked out, not searched for.
        """
        with mongo.outages_named():
            schemes = await self._schemes.find({}, {"_id": 1}).to_list(SCHEMES_MAX)
            ids = [award_id(scheme["_id"], recipient_id) for scheme in schemes]
            found = self._awards.find({"_id": {"$in": ids}}).sort("issued_at", DESCENDING)
            return [_award(document) for document in await found.limit(OWN_AWARDS_MAX).to_list(None)]

    async def awards_of_scheme(self, scheme_id: str, after: str, limit: int) -> list[Award]:
        """A scheme's awards by award id, from the one after `after`."""
        first, end = ids_in(scheme_id)
        condition = {"_id": {"$gt": max(first, after), "$lt": end}, "scheme_id": scheme_id}
        with mongo.outages_named():
            found = self._awards.find(condition).sort("_id", ASCENDING)
            return [_award(document) for document in await found.limit(limit).to_list(None)]


def _scheme(document: Document) -> Scheme:
    return Scheme(
        scheme_id=document["_id"], title=document["title"], kind=document["kind"], rule=document["rule"]
    )


def _document(award: Award) -> Document:
    document: Document = {
        "_id": award.award_id,
        "award_code": award.award_code,
        "scheme_id": award.scheme_id,
        "scheme_title": award.scheme_title,
        "kind": award.kind,
        "recipient_id": award.recipient_id,
        "cause": award.cause,
        "issued_at": award.issued_at,
        "relayed": award.relayed,
    }
    # Left out where there is none; nobody stores an award that is revoked already.
    if award.tier is not None:
        document["tier"] = award.tier
    if award.note is not None:
        document["note"] = award.note
    return document


def _award(document: Document) -> Award:
    fields = dict(document)
    return Award(award_id=fields.pop("_id"), tier=fields.pop("tier", None), **fields)
