"""
Schemes and awards in MongoDB; both are kept for good.

An award's id tells its scheme and derives from its recipient (`codes.award_id`), so that neither
a scheme's awards nor a recipient's need an index of their own.
"""

import logging
from collections.abc import Collection as Some
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace
from pydantic import ValidationError

from services.awards.known.store import KnownStore
from services.awards.register import events
from services.awards.register.codes import award_id
from services.awards.register.rules import Award
from services.awards.results.store import ResultStore
from services.awards.schemes.rules import Scheme
from shared.runtime import metrics
from shared.runtime.errors import Conflict
from shared.runtime.owned_ids import ids_in
from shared.storage import mongo, outbox
from shared.storage.mongo import ASCENDING, Database, Document, DuplicateKeyError, Session

log = logging.getLogger(__name__)

# Instead of what an organiser wrote, where the recipient is erased.
ERASED_REASON = "revoked"
SCHEMES_MAX = 500
ANSWER_DOCUMENTS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class SchemeState:
    """How a scheme stands: `in_use` fixes its rule; `tie_decided`: the tie at the end of the list is."""

    in_use: bool
    tie_decided: bool


class AwardStore:
    """The awards service's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._schemes = database["schemes"]
        self._awards = database["awards"]
        self.results = ResultStore(database)
        self.known = KnownStore(database)
        # A scheme in use stays in use, so each process marks it once.
        self._in_use: set[Scheme] = set()

    async def prepare(self) -> None:
        """Create the collections and indexes; a transaction must not have to."""
        with mongo.outages_named():
            await self._awards.create_index([("award_code", ASCENDING)], unique=True)
            await self._schemes.create_index([("rule.quiz_id", ASCENDING)])
        await self.results.prepare()
        await self.known.prepare()

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
                if await self._schemes.estimated_document_count() >= SCHEMES_MAX:
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
        if used := await self._mark(scheme, {"in_use": True}):
            self._in_use.add(scheme)
        return used

    async def _mark(self, scheme: Scheme, marks: Document) -> bool:
        document = scheme.model_dump(mode="json")
        stored = {"_id": scheme.scheme_id, "rule": document["rule"], "kind": document["kind"]}
        with mongo.outages_named():
            return bool((await self._schemes.update_one(stored, {"$set": marks})).matched_count)

    async def scheme(self, scheme_id: str) -> Scheme | None:
        """The scheme of this id."""
        with mongo.outages_named():
            document = await self._schemes.find_one({"_id": scheme_id})
        return _scheme(document) if document else None

    async def schemes(self, after: str, limit: int) -> list[Scheme]:
        """Schemes by id, from the one after `after`."""
        with mongo.outages_named():
            found = self._schemes.find({"_id": {"$gt": after}}).sort("_id", ASCENDING).limit(limit)
            return list(_readable(await found.to_list(None)))

    async def schemes_of(self, quiz_ids: Iterable[str]) -> list[Scheme]:
        """The schemes whose rule looks at one of these quizzes."""
        with mongo.outages_named():
            found = self._schemes.find({"rule.quiz_id": {"$in": sorted(set(quiz_ids))}})
            return list(_readable(await found.to_list(None)))

    async def _scheme_ids(self) -> list[str]:
        with mongo.outages_named():
            # The index of ids alone, without a look at the schemes.
            found = await self._schemes.find({}, {"_id": 1}).hint([("_id", ASCENDING)]).to_list(None)
        return [scheme["_id"] for scheme in found]

    async def state(self, scheme_id: str) -> SchemeState | None:
        """How a scheme stands."""
        with mongo.outages_named():
            found = await self._schemes.find_one({"_id": scheme_id}, {"in_use": 1, "tie_decided": 1})
        return SchemeState(found.get("in_use", False), found.get("tie_decided", False)) if found else None

    async def decide_tie(self, scheme: Scheme) -> bool:
        """By this rule nobody else is due an award, so it is fixed too; False if it is not the stored one."""
        return await self._mark(scheme, {"in_use": True, "tie_decided": True})

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

    async def add_and_tell(self, awards: Sequence[Award]) -> list[Award]:
        """Add those that are not there yet, with their events in the outbox; returns the new ones."""

        async def work(session: Session) -> list[Award]:
            there = await self.awards([award.award_id for award in awards], session)
            new = [award for award in awards if award.award_id not in there]
            if new:
                await self._awards.insert_many([_document(award) for award in new], session=session)
                await outbox.append(self._database, session, [events.issued(award) for award in new])
            return new

        return await mongo.in_transaction(self._database, work)

    async def confer(self, award: Award) -> tuple[Award, bool]:
        """
        Add an award with its event; returns it, or the one that is there, and whether it is new.

        Raises:
            NotFound, Conflict: nobody of the recipient's id is known, or the recipient was erased.
        """

        async def work(session: Session) -> tuple[Award, bool]:
            await self.known.check(award.recipient_id, session)
            if there := await self.awards([award.award_id], session):
                return there[award.award_id], False
            await self._awards.insert_one(_document(award), session=session)
            await outbox.append(self._database, session, [events.issued(award)])
            return award, True

        return await mongo.in_transaction(self._database, work)

    async def revoke(self, award_id: str, reason: str, now: datetime) -> tuple[Award, bool] | None:
        """Revoke an award and tell of it; returns it and whether it held until now, None if there is none."""

        async def work(session: Session) -> tuple[Award, bool] | None:
            award = (await self.awards([award_id], session)).get(award_id)
            if award is None or not award.held:
                return (award, False) if award else None
            # Of somebody erased nothing in an organiser's own words is kept or told any more.
            why = ERASED_REASON if await self.known.erased([award.recipient_id]) else reason
            revoked = replace(award, revoked_at=now, reason=why, version=award.version + 1)
            change = {"$set": {"revoked_at": now, "reason": why, "version": revoked.version}}
            await self._awards.update_one({"_id": award_id}, change, session=session)
            # A consumer may have crashed between storing and telling, and will not tell of a
            # revoked award. So tell of it here; to whoever knows it is the same event again.
            told = [] if award.relayed else [events.issued(award)]
            await outbox.append(self._database, session, [*told, events.revoked(revoked)])
            return revoked, True

        return await mongo.in_transaction(self._database, work)

    async def forget(self, recipient_ids: Iterable[str]) -> None:
        """Remove from these recipients' awards what an organiser wrote in words of their own."""
        scheme_ids = await self._scheme_ids()
        with mongo.outages_named():
            for recipient_id in recipient_ids:
                ids = [award_id(scheme_id, recipient_id) for scheme_id in scheme_ids]
                await self._awards.update_many({"_id": {"$in": ids}}, {"$unset": {"note": 1, "reason": 1}})

    async def award_of_code(self, code: str) -> Award | None:
        """The award that a code stands on."""
        with mongo.outages_named():
            document = await self._awards.find_one({"award_code": code})
        return _award(document) if document else None

    async def awards_of_recipient(
        self, recipient_id: str, after: tuple[datetime, str] | None, limit: int
    ) -> list[Award]:
        """
        A recipient's awards, the latest first, from the one after the time and id given.

        One a scheme at most, and schemes are few: their ids are worked out, not searched for. So there
        are at most `SCHEMES_MAX`, and they are sorted here.
        """
        scheme_ids = await self._scheme_ids()
        found = await self.awards([award_id(scheme_id, recipient_id) for scheme_id in scheme_ids])
        latest = sorted(found.values(), key=_when, reverse=True)
        return [award for award in latest if after is None or _when(award) < after][:limit]

    async def awards_of_scheme(self, scheme_id: str, after: str, limit: int) -> list[Award]:
        """A scheme's awards by award id, from the one after `after`."""
        first, end = ids_in(scheme_id)
        condition = {"_id": {"$gt": max(first, after), "$lt": end}, "scheme_id": scheme_id}
        with mongo.outages_named():
            found = self._awards.find(condition).sort("_id", ASCENDING)
            return [_award(document) for document in await found.limit(limit).to_list(None)]


def _when(award: Award) -> tuple[datetime, str]:
    return award.issued_at, award.award_id


def _readable(documents: Iterable[Document]) -> Iterator[Scheme]:
    """The schemes that can be read: one that cannot must not keep the others from being awarded."""
    for document in documents:
        try:
            yield _scheme(document)
        except (ValidationError, KeyError):
            metrics.ITEMS_FAILED.labels("schemes", "scheme_unreadable").inc()
            log.warning("a scheme cannot be read; the others go on", extra={"scheme_id": document["_id"]})


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
        "version": award.version,
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
