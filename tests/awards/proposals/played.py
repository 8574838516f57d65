"""What the tests of notices do again and again."""

from datetime import UTC, datetime

from services.awards.objections.rules import Objection
from services.awards.schemes.rules import Scheme
from shared.contracts.events import AwardIssued, AwardObjected, AwardProposed
from shared.runtime import clock
from shared.storage.outbox import waiting
from tests.awards.builders import closed, joined, noticed, standing
from tests.awards.parts import Parts
from tests.support.kafka import read_back
from tests.support.waiting import eventually

LONG_AGO = datetime(2023, 6, 1, tzinfo=UTC)


async def end_notice(at: Parts, scheme: Scheme) -> None:
    """The notice of this scheme has ended."""
    which = {"_id": scheme.scheme_id}
    await at.database["notices"].update_one(which, {"$set": {"ends_at": LONG_AGO}, "$inc": {"turn": 1}})


async def end_and_issue(at: Parts, scheme: Scheme) -> None:
    """The notice has ended, and an organiser confirms it."""
    await end_notice(at, scheme)
    await at.confirm(scheme, (await at.notices.get(scheme.scheme_id)).version)
    await at.advance()


def short(of: Scheme) -> Scheme:
    """The same scheme, with a notice of some seconds."""
    return noticed(of, days=0, seconds=3)


async def wait_and_issue(at: Parts, scheme: Scheme) -> None:
    """Wait for the end of a short notice; then an organiser confirms it."""

    async def has_ended() -> bool:
        ends_at = (await at.notices.get(scheme.scheme_id)).ends_at
        return ends_at is not None and ends_at <= clock.now()

    await eventually(has_ended, bool)
    await at.confirm(scheme, (await at.notices.get(scheme.scheme_id)).version)
    await at.advance()


async def close(at: Parts, quiz: str, *people: str, version: int = 1) -> None:
    """The quiz is closed with these at rank 1, 2 and so on, and all steps are taken."""
    ranks = [standing(rank, one) for rank, one in enumerate(people, 1)]
    await at.handle(closed(quiz, ranks, version=version))
    await at.advance()


async def object_to(at: Parts, scheme: Scheme, recipient: str, by: str = "objector") -> Objection:
    await at.know(joined(by))
    objection, _ = await at.objecting.make(scheme.scheme_id, recipient, "抄袭", by)
    return objection


async def tiers(at: Parts, scheme: Scheme) -> dict[str, str | None]:
    """Who is proposed now, with the tier, or the code with which it was withdrawn."""
    return {one.recipient_id: one.code or one.tier for one in (await at.proposed(scheme)).values()}


async def told(at: Parts) -> list[tuple[str, int, str]]:
    """What recipients were told of notices: whom, the version, and the code or `proposed`."""
    records = await waiting(at.database)
    said = [one.event for one in read_back(records, AwardProposed)]
    return [(one.recipient_id, one.version, one.code or one.status) for one in said]


async def published_awards(at: Parts) -> list[str]:
    return [one.event.recipient_id for one in read_back(await waiting(at.database), AwardIssued)]


async def published_objections(at: Parts) -> list[tuple[str, int, str]]:
    said = [one.event for one in read_back(await waiting(at.database), AwardObjected)]
    return [(one.recipient_id, one.version, one.status) for one in said]
