"""People who have themselves erased: before they sat the contest, or after all they came for."""

import asyncio
import time
from collections.abc import Sequence

from ops.demo.people import ERASED, Person, Urls
from ops.deployment.client import Client
from ops.stack import StackError

LEAVE_EVERY = 40
# The services hear of it by an event; kills may keep them from hearing for a while.
HEARD_SECONDS_MAX = 60.0
LOOK_SECONDS = 0.5


def leavers(people: Sequence[Person], *, after: int) -> tuple[list[Person], list[Person]]:
    """Who leaves before sitting, and who leaves at the end; the first `after` people stay."""
    chosen = people[after::LEAVE_EVERY]
    return list(chosen[::2]), list(chosen[1::2])


async def leave(client: Client, urls: Urls, person: Person) -> None:
    """
    Have a person erased, twice, as people do who are not sure; the second time changes nothing.

    Raises:
        StackError: it is refused.
    """
    url = f"{urls.registration}/participants/me"
    first = await client.ask("DELETE", url, headers=person.headers)
    client.ledger.note("erased", person.participant_id)
    again = await client.ask("DELETE", url, headers=person.headers)
    if again["erased_at"] != first["erased_at"]:
        raise StackError("a person who was erased was erased again")
    person.status = ERASED


async def try_after_leaving(client: Client, urls: Urls, quiz_id: str, people: Sequence[Person]) -> None:
    """
    Try what the erased must be refused, once the services have heard of it.

    Raises:
        StackError: one of them may still do it.
    """
    for person in people:
        await _refused_at_last(client, f"{urls.quiz}/quizzes/{quiz_id}/attempts", person)


async def _refused_at_last(client: Client, url: str, person: Person) -> None:
    deadline = time.monotonic() + HEARD_SECONDS_MAX
    while True:
        try:
            await client.refused("POST", url, "participant_erased", headers=person.headers)
        except StackError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(LOOK_SECONDS)
        else:
            return
