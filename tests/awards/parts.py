"""The parts of awards over a real database, to be used one by one; in one or more copies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from services.awards.following.facts import FactsReader
from services.awards.following.follow import Follower
from services.awards.following.preview import Previews
from services.awards.issued.forget import forget_words
from services.awards.issued.reinstate import reinstate_award
from services.awards.issued.revoke import revoke_award
from services.awards.issued.rules import Award
from services.awards.issued.store import AwardStore
from services.awards.issuing import handlers as issuing
from services.awards.issuing.apply import Applied, apply_scheme
from services.awards.issuing.confer import confer_award
from services.awards.issuing.decide_ties import TieDecider
from services.awards.issuing.issue import Issuer
from services.awards.issuing.outdated import Outdated
from services.awards.issuing.places import Places
from services.awards.issuing.replace import Replacing
from services.awards.issuing.state import SchemeState, state_of
from services.awards.issuing.touched import Touched
from services.awards.known import handlers as knowing
from services.awards.known.store import KnownStore
from services.awards.objections.object import Objections
from services.awards.objections.store import ObjectionStore
from services.awards.proposals.advance import Advancing
from services.awards.proposals.find import Finder
from services.awards.proposals.forget import forget_proposals
from services.awards.proposals.object import Objecting
from services.awards.proposals.propose import Conferring
from services.awards.proposals.publish import confirm_notice, look_again, publish_notice
from services.awards.proposals.rules import Notice, Proposal
from services.awards.proposals.store import NoticeStore, ProposalStore
from services.awards.proposals.tell import Teller
from services.awards.results.changes import ChangeStore
from services.awards.results.decisions import DecisionStore
from services.awards.results.store import ResultStore
from services.awards.schemes.put import put_scheme
from services.awards.schemes.rules import Scheme
from services.awards.schemes.store import SchemeStore, TieStore
from shared.contracts.envelope import Event
from shared.contracts.events import (
    AwardIssued,
    QuizClosed,
    QuizCompleted,
    QuizDisqualificationDecided,
    QuizRegraded,
)
from shared.messaging.publisher import Record
from shared.storage.ended_tokens import EndedTokens
from shared.storage.mongo import Database
from shared.storage.outbox import prepare
from tests.awards.builders import AWARD_KEY, envelope
from tests.support.kafka import database_of, read_back
from tests.support.service import batch_of

Happened = QuizCompleted | QuizRegraded | QuizClosed | QuizDisqualificationDecided


class Parts:
    """The parts of one copy of awards over a database, as app.py wires them; no Kafka is between them."""

    def __init__(
        self,
        database: Database,
        *,
        known: KnownStore | None = None,
        results: ResultStore | None = None,
        schemes: SchemeStore | None = None,
        decisions: DecisionStore | None = None,
    ) -> None:
        self.database = database
        self.known = known or KnownStore(database)
        self.results = results or ResultStore(database)
        self.schemes = schemes or SchemeStore(database)
        self.awards = AwardStore(database)
        self.decisions = decisions or DecisionStore(database)
        self.changes = ChangeStore(database)
        self.outdated = Outdated(self.results, self.decisions, self.changes)
        self.issuer = Issuer(self.awards, self.schemes, self.known, self.changes, key=AWARD_KEY.encode())
        self.notices, self.proposals = NoticeStore(database), ProposalStore(database)
        self.objections = ObjectionStore(database)
        self.places = Places(self.awards, self.known, self.decisions, self.proposals.barred)
        touched = Touched(self.awards, self.places)
        handler = issuing.ResultHandler(
            self.known,
            self.results,
            self.decisions,
            self.changes,
            self.schemes,
            self.issuer,
            touched,
            TieStore(database),
            self.notices.mark,
        )
        [reading] = issuing.subscriptions(handler)
        self._handle = reading.handle
        self.decider = TieDecider(
            TieStore(database),
            self.schemes,
            self.results,
            self.issuer,
            self.outdated,
            self.known,
            self.places,
        )
        facts = FactsReader(self.results, self.decisions, self.schemes, self.places)
        self.follower = Follower(
            self.known,
            facts,
            self.changes,
            self.schemes,
            self.awards,
            self.issuer,
            touched,
            self.notices.mark,
        )
        self.previews = Previews(self.known, facts, self.schemes, self.awards, touched)

        async def forget(erased: set[str]) -> None:
            await forget_proposals(erased, self.schemes, self.proposals)
            await forget_words(erased, self.awards, self.schemes, self.decisions)
            await self.objections.forget(erased)

        [knowing_of] = knowing.subscriptions(self.known, EndedTokens(database), forget)
        self.finder = Finder(
            self.notices, self.proposals, self.results, self.schemes, self.outdated, self.issuer, self.places
        )
        teller = Teller(self.notices, self.proposals, self.awards, self.known, self.issuer)
        self.advancing = Advancing(self.notices, self.schemes, self.finder, teller)
        both = Objections(self.objections, self.known, wait_seconds=0)
        self.objecting = Objecting(self.schemes, self.notices, self.proposals, both)
        self.conferring = Conferring(
            self.schemes, self.known, self.issuer, self.notices, self.proposals, wait_seconds=0
        )
        self.replacing = Replacing(self.awards, self.schemes, self.known, self.issuer, wait_seconds=0)
        self._know = knowing_of.handle

    async def prepare(self) -> None:
        """Create the collections and indexes, as at the start of the service."""
        for store in (self.known, self.results, self.decisions, self.changes, self.schemes, self.awards):
            await store.prepare()
        for of_notices in (self.notices, self.proposals, self.objections):
            await of_notices.prepare()

    async def handle(self, *happened: Happened) -> dict[str, AwardIssued]:
        """Handle these as one batch; returns the events that follow, by id."""
        following, _ = await self.handle_or_reject(*happened)
        return following

    async def handle_or_reject(self, *happened: Happened) -> tuple[dict[str, AwardIssued], list[str]]:
        """The same, and the codes of what is given up."""
        batch = batch_of(*[envelope(event) for event in happened])
        following = await self._handle(batch)
        told = {one.context.id: one.event for one in read_back(following, AwardIssued)}
        return told, [dead.why.code for dead in batch.rejected]

    async def publish_all(self, *happened: Happened) -> list[Record]:
        """Handle these as one batch; returns the records that follow."""
        following = await self._handle(batch_of(*[envelope(event) for event in happened]))
        return [one for one in following if isinstance(one, tuple)]

    async def follow(self) -> None:
        """Compare the awards of all who are marked, as the background work does."""
        while quizzes := await self.changes.quizzes("", 10):
            for quiz_id in quizzes:
                await self.follower.go_on(quiz_id)

    async def decide_ties(self) -> int:
        """Decide ties at the end of lists, as the background work does, at once; returns the looks."""
        chunks = 0
        due = {"$set": {"tie.at": datetime(2020, 1, 1, tzinfo=UTC)}}
        await self.database["schemes"].update_many({"tie": {"$exists": True}}, due)
        while schemes := await self.decider.pending("", 10):
            for scheme_id in schemes:
                await self.decider.go_on(scheme_id)
                chunks += 1
        return chunks

    async def advance(self, steps_max: int = 1_000) -> int:
        """Take the next steps of all notices, as the background work does; returns their number."""
        steps = 0
        while steps < steps_max and (schemes := await self.advancing.pending("", 10)):
            for scheme_id in schemes:
                await self.advancing.go_on(scheme_id)
                steps += 1
        return steps

    async def publish(self, scheme: Scheme) -> Notice:
        """As an organiser does."""
        return await publish_notice(
            scheme.scheme_id, self.schemes, self.results, self.notices, self.proposals
        )

    async def look_again(self, scheme: Scheme) -> None:
        """As an organiser does."""
        await look_again(scheme.scheme_id, self.schemes, self.results, self.notices)

    async def confirm(self, scheme: Scheme, version: int) -> Notice:
        """As an organiser does."""
        return await confirm_notice(scheme.scheme_id, version, self.schemes, self.notices)

    async def proposed(self, scheme: Scheme) -> dict[str, Proposal]:
        """A scheme's proposals by recipient."""
        found = await self.proposals.page(scheme.scheme_id, "", 10_000)
        return {one.recipient_id: one for one in found}

    async def know(self, *happened: Event) -> None:
        """Handle these as one batch."""
        assert await self._know(batch_of(*[envelope(event) for event in happened])) == ()

    async def put(self, scheme: Scheme) -> None:
        """As an organiser does; without waiting for a quiz that is not known."""
        await put_scheme(scheme, self.schemes, self.known, self.decisions, wait_seconds=0)

    async def apply(self, scheme: Scheme) -> Applied:
        """As an organiser does, the first call."""
        return await apply_scheme(
            scheme.scheme_id,
            None,
            schemes=self.schemes,
            results=self.results,
            issuer=self.issuer,
            outdated=self.outdated,
            known=self.known,
            places=self.places,
        )

    async def state(self, scheme: Scheme) -> SchemeState:
        return await state_of(scheme.scheme_id, self.schemes, self.results)

    async def confer(self, scheme: Scheme, recipient_id: str, note: str | None = None) -> Award:
        """As an organiser does; without waiting for a recipient who is not known."""
        award, _ = await confer_award(
            scheme.scheme_id,
            recipient_id,
            note,
            schemes=self.schemes,
            known=self.known,
            issuer=self.issuer,
            wait_seconds=0,
        )
        return award

    async def revoke(self, award_id: str, reason: str, *, place_free: bool = False) -> Award:
        stores = self.awards, self.known, self.schemes, self.changes
        return await revoke_award(award_id, reason, *stores, place_free=place_free)

    async def reinstate(self, award_id: str) -> Award:
        return await reinstate_award(award_id, self.awards, self.known, self.schemes, self.changes)

    async def own(
        self, recipient_id: str, after: tuple[datetime, str] | None = None, limit: int = 10
    ) -> list[Award]:
        """A recipient's own awards, as they see them."""
        return await self.awards.of_recipient(recipient_id, await self.schemes.ids(), after, limit)

    async def issued(self, scheme: Scheme) -> dict[str, Award]:
        """A scheme's awards by recipient."""
        found = await self.awards.of_scheme(scheme.scheme_id, "", 10_000)
        return {award.recipient_id: award for award in found}


@asynccontextmanager
async def new_parts(mongo: str, copies: int = 1) -> AsyncIterator[list[Parts]]:
    """The parts of so many copies, over an empty database."""
    async with database_of(mongo, "AwardsSettings") as database:
        await prepare(database)
        made = [Parts(database) for _ in range(copies)]
        await made[0].prepare()
        yield made
