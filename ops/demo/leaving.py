"""People who ask to be erased: some before the contest, some at the end of the week."""

import asyncio
import time
from collections.abc import Sequence

from ops.demo.people import ERASED, Person
from ops.deployment.client import Client, UnexpectedAnswer

LEAVE_EVERY = 40
# The services hear of an erasure by an event. Kills may delay it for a while.
HEARD_SECONDS_MAX = 60.0
LOOK_SECONDS = 0.5


def leavers(people: Sequence[Person], *, after: int) -> tuple[list[Person], list[Person]]:
    """The people who leave before the contest and at the end of the week. The first `after` people stay."""
    chosen = people[after::LEAVE_EVERY]
    return list(chosen[::2]), list(chosen[1::2])


async def leave(client: Client, person: Person) -> None:
    """
    Ask twice to erase a person, like people who are not sure. The second time changes nothing.

    Raises:
        UnexpectedAnswer: the request is refused, or the second one changes something.
    """
    url = f"{client.apis.registration}/participants/me"
    first = await client.ask("DELETE", url, headers=person.headers)
    client.ledger.note("erased", person.participant_id)
    again = await client.ask("DELETE", url, headers=person.headers)
    if again["erased_at"] != first["erased_at"]:
        raise UnexpectedAnswer(f"DELETE {url} erased somebody a second time: {again}")
    person.status = ERASED


async def try_after_leaving(client: Client, quiz_id: str, people: Sequence[Person]) -> None:
    """
    Let the erased try to start an attempt. The services must refuse it after they know of the erasure.

    Raises:
        UnexpectedAnswer: one of them may still start.
    """
    for person in people:
        await _refused_at_last(client, f"{client.apis.quiz}/quizzes/{quiz_id}/attempts", person)


async def _refused_at_last(client: Client, url: str, person: Person) -> None:
    deadline = time.monotonic() + HEARD_SECONDS_MAX
    while True:
        try:
            await client.refused("POST", url, "participant_erased", headers=person.headers)
        except UnexpectedAnswer:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(LOOK_SECONDS)
        else:
            return
