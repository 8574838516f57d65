"""Commands, for which nobody waits, leave sessions free for people who do."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from services.registration.booking.batch import BookingRequest
from services.registration.booking.book import Booking
from services.registration.booking.handlers import (
    COMMANDS_MAX,
    PEOPLE_FIRST_SECONDS_MAX,
    CommandHandler,
)
from services.registration.participants.keys import KeySealer
from shared.contracts.events import RegistrationRequested
from shared.runtime.errors import Rejected
from tests.support.service import CONTACT_PUBLIC_KEY, batch_of, new_id


@dataclass
class Transactions:
    """Stands for the booking: notes each transaction, and how many people wait when it begins."""

    waiting: int = 0
    noted: list[tuple[int, int]] = field(default_factory=list)

    async def book(self, requests: Sequence[BookingRequest]) -> list[Rejected]:
        self.noted.append((len(requests), self.waiting))
        await asyncio.sleep(0)
        return [Rejected("the session is full", code="session_full") for _ in requests]


def commands(number: int) -> list[RegistrationRequested]:
    return [
        RegistrationRequested(request_id=new_id("r"), participant_id=new_id("p"), session_id="one")
        for _ in range(number)
    ]


def commands_of(transactions: Transactions) -> CommandHandler:
    return CommandHandler(cast("Booking", transactions), KeySealer(CONTACT_PUBLIC_KEY), transactions)


async def test_many_commands_are_several_transactions_and_people_come_between_them() -> None:
    transactions = Transactions(waiting=1)
    batch = batch_of(*commands(2 * COMMANDS_MAX + 1))
    booked = asyncio.create_task(commands_of(transactions).book_requested(batch))
    await asyncio.sleep(PEOPLE_FIRST_SECONDS_MAX / 3)
    # The second transaction waits for somebody who waits for a place.
    assert transactions.noted == [(COMMANDS_MAX, 1)]
    transactions.waiting = 0
    await booked
    assert transactions.noted[1:] == [(COMMANDS_MAX, 0), (1, 0)]
    assert len(batch.rejected) == 2 * COMMANDS_MAX + 1


async def test_commands_wait_for_people_for_a_bounded_time() -> None:
    transactions = Transactions(waiting=1)
    began = time.monotonic()
    await commands_of(transactions).book_requested(batch_of(*commands(COMMANDS_MAX + 1)))
    assert [size for size, _ in transactions.noted] == [COMMANDS_MAX, 1]
    assert time.monotonic() - began < 10 * PEOPLE_FIRST_SECONDS_MAX
