"""A courier at work between the real database and a real SMTP server, for the tests of mails."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from services.notifications.contacts.decryptor import Decryptor
from services.notifications.messages.rules import RetryPolicy
from services.notifications.sending.code_limit import CodeLimit
from services.notifications.sending.compose import Composer
from services.notifications.sending.courier import Courier, Pace
from services.notifications.sending.daily_limit import DailyLimit
from services.notifications.sending.limits import Limits
from services.notifications.sending.mail_form import MailForm
from services.notifications.sending.mail_format import Mail
from services.notifications.sending.smtp import MailConnection, MailServer
from services.notifications.texts.render import Texts
from shared.runtime import clock
from shared.runtime.background import looping
from tests.notifications.builders import Desk, desk
from tests.notifications.sending.post_office import PostOffice, open_office
from tests.support.service import CONTACT_PRIVATE_KEY
from tests.support.waiting import eventually

CONNECTIONS = 8
QUICK = RetryPolicy(retry_seconds=0.05, retry_seconds_max=0.2)


def composer(at: Desk, key: str = CONTACT_PRIVATE_KEY) -> Composer[Mail]:
    texts = Texts({"zh-CN": "科技活动周组委会", "en": "Organising Committee"})
    return Composer(at.contacts, Decryptor(key), MailForm(texts, "kepu@example.org"))


def courier(
    at: Desk,
    office: PostOffice,
    *,
    key: str = CONTACT_PRIVATE_KEY,
    claim_max: int = 300,
    per_day_max: int = 20,
    mail_seconds_max: float = 20.0,
) -> Courier[Mail]:
    server = MailServer("127.0.0.1", office.port, "kepu@example.org", mail_seconds_max=mail_seconds_max)
    pace = Pace(claim_max=claim_max, poll_seconds=0.05, pause_seconds=0.02, retry_policy=at.retry_policy)
    return Courier(
        at.queue,
        composer(at, key),
        [MailConnection(server) for _ in range(CONNECTIONS)],
        Limits(DailyLimit(at.database, key, per_day_max), CodeLimit(at.database, key)),
        pace,
    )


@asynccontextmanager
async def sending(sender: Courier[Any]) -> AsyncIterator[None]:
    """Run a courier until the end of the block. Mails that are being sent then are finished."""
    async with aclosing(sender), looping(sender.loop):
        yield


async def turns(sender: Courier[Any]) -> None:
    """Turn after turn, until no mail is due, and the end of all that they have begun."""
    while await sender.turn() == 0:
        pass
    await sender.aclose()


async def one_turn(sender: Courier[Any]) -> float:
    """A turn, and the end of all that it has begun. Returns how long to rest, in seconds."""
    rest_seconds = await sender.turn()
    await sender.aclose()
    return rest_seconds


async def all_in(at: Desk, state: str, count: int) -> bool:
    return bool(await at.database["messages"].count_documents({"channel": "email", "state": state}) == count)


async def until_all(at: Desk, state: str, count: int) -> None:
    await eventually(lambda: all_in(at, state, count))


async def until_settled(at: Desk) -> None:
    """Until no mail is under way any more."""

    async def settled() -> bool:
        return await at.database["messages"].find_one({"state": {"$in": ["pending", "claimed"]}}) is None

    await eventually(settled)


async def until_none_is_due(at: Desk) -> None:
    """Until no mail is claimed, and those that are pending wait for later."""

    async def none_due() -> bool:
        under_way = {"$or": [{"state": "claimed"}, {"state": "pending", "due_at": {"$lte": clock.now()}}]}
        return await at.database["messages"].find_one(under_way) is None

    await eventually(none_due)


@asynccontextmanager
async def at_work(mongo: str, retry_policy: RetryPolicy = QUICK) -> AsyncIterator[tuple[Desk, PostOffice]]:
    async with desk(mongo, retry_policy) as at, open_office() as office:
        yield at, office
