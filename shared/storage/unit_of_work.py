"""
The unit of work: state and its events are saved together or not at all.

Requests over HTTP and background work change state and publish the change in this way:

    async def work(unit: UnitOfWork) -> Award:
        await awards.add(unit, award)
        unit.publish(issued(award))
        return award

    award = await save_together(database, work)

A store takes the unit, and passes `unit.session` to the driver.

Most handlers of events work without a unit of work: what a handler returns is published before its batch is
committed. This is enough if a repeat finds what is stored and publishes it again. Quiz's `WaitingGrader`
(services/quiz/grading/grade_waiting.py) works like such a handler, also in the background: it stores results,
publishes them, and only then removes what has waited.

The handler of commands uses a unit of work (services/registration/booking/handlers.py): `Booking` decides
them as it decides requests over HTTP, and a repeat must publish nothing twice. So they are saved with their
events in the outbox, and the handler returns nothing. Choose this for a handler that changes what requests
over HTTP change too.
"""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from shared.contracts.envelope import Envelope, Event
from shared.messaging.publisher import Record
from shared.runtime.errors import TookTooLong
from shared.storage import outbox
from shared.storage.mongo import TRANSACTION_SECONDS_MAX, Database, Session, in_transaction

T = TypeVar("T")

# The longest pause before the second try. It doubles with each try, up to a limit.
CONFLICT_PAUSE_SECONDS = 0.008
CONFLICT_PAUSE_SECONDS_MAX = 0.064


class Contended(TookTooLong):
    """Each try met a write of another transaction to the same documents. Nothing was saved."""


class UnitOfWork:
    """
    One try of a transaction.

    Attributes:
        session: every read and write of the transaction passes it to the driver.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.events: list[Envelope[Event] | Record] = []

    def publish(self, *events: Envelope[Event] | Record) -> None:
        """Publish these events after the transaction, in this order. If it fails, none is published."""
        self.events += events


async def save_together(
    database: Database,
    work: Callable[[UnitOfWork], Coroutine[Any, Any, T]],
    *,
    timeout_seconds: float = TRANSACTION_SECONDS_MAX,
    contended_seconds_max: float | None = None,
) -> T:
    """
    Run `work` in one transaction. If it conflicts with another one, run it again completely.

    `work` may run more than once. So it does nothing but read and write through its session, and publish.
    Between two tries lies a short random pause: without it, two processes that write the same document
    would keep each other from committing.

    Args:
        contended_seconds_max: after this time no new try begins; None: no such limit.

    Raises:
        Rejected: an event is larger than its readers accept. Nothing was saved.
        Contended: all tries within `contended_seconds_max` conflicted. Nothing was saved.
        TookTooLong: it did not end in its time. It may have been saved or not.
        Unavailable: the database does not answer. It may have been saved or not.
    """

    tries = 0
    began = time.monotonic()

    async def transaction(session: Session) -> T:
        nonlocal tries
        if tries:
            longest = min(CONFLICT_PAUSE_SECONDS * 2.0 ** (tries - 1), CONFLICT_PAUSE_SECONDS_MAX)
            await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 (no secret)
            if contended_seconds_max is not None and time.monotonic() - began > contended_seconds_max:
                raise Contended("others keep writing the same documents")
        tries += 1
        unit = UnitOfWork(session)
        result = await work(unit)
        await outbox.append(database, session, unit.events)
        return result

    return await in_transaction(database, transaction, timeout_seconds=timeout_seconds)
