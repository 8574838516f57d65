"""People who registered a second time with another address: an organiser merges the two."""

from collections.abc import Sequence
from uuid import uuid4

from ops.demo.people import Person
from ops.deployment.client import Client, UnexpectedAnswer

DOUBLES = 5


async def merge_doubles(client: Client, people: Sequence[Person], session_id: str) -> None:
    """
    Let each register once more, and an organiser merge it, twice: the second time changes nothing.

    Raises:
        UnexpectedAnswer: a request is refused, or the second merge is another one.
    """
    for person in people:
        registration = client.apis.registration
        body = {
            "session_id": session_id,
            "participant": {"name": person.name, "email": f"double-of-{person.address}"},
        }
        key = {"Idempotency-Key": str(uuid4())}
        double = await client.ask("POST", f"{registration}/registrations", json=body, headers=key)
        client.ledger.note("registered", double["registration_id"], double["status"])
        url = f"{registration}/participants/{double['participant_id']}/merge"
        into = {"into": person.participant_id}
        first = await client.ask("POST", url, json=into, headers=client.apis.organiser)
        client.ledger.note("erased", double["participant_id"])
        again = await client.ask("POST", url, json=into, headers=client.apis.organiser)
        if again["merged_at"] != first["merged_at"]:
            raise UnexpectedAnswer(f"POST {url} merged somebody a second time: {again}")
