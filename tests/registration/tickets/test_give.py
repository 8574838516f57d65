"""A ticket is given to its holder alone, on the real database."""

import httpx
import pytest

from services.registration.tickets.keys import TicketKey
from tests.registration.builders import activity, ask, cancel, erase, now_on, put, service
from tests.support.service import ORGANISER, TOKEN_PRIVATE_KEY, bearer, code_of

pytestmark = pytest.mark.stack

FORMS = {
    "ticket": "application/json",
    "ticket.svg": "image/svg+xml",
    "ticket.png": "image/png",
    "ticket-card.svg": "image/svg+xml",
    "ticket.pdf": "application/pdf",
}


async def get(
    client: httpx.AsyncClient, registered: dict[str, str], form: str = "ticket", token: str | None = None
) -> httpx.Response:
    path = f"/registrations/{registered['registration_id']}/{form}"
    return await client.get(path, headers=bearer(token or registered["token"]))


@pytest.mark.parametrize("form", FORMS)
async def test_a_ticket_is_given_to_its_holder_alone(mongo: str, form: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=1, waiting_max=5))
        holder = (await ask(client, "one")).json()
        given = await get(client, holder, form)
        assert (given.status_code, given.headers["content-type"].split(";")[0]) == (200, FORMS[form])
        assert given.headers["cache-control"] == "no-store"
        waiter = (await ask(client, "one")).json()
        assert code_of(await get(client, waiter, form)) == (409, "ticket_missing")
        assert code_of(await get(client, holder, form, waiter["token"])) == (404, "registration_unknown")
        path = f"/registrations/{holder['registration_id']}/{form}"
        assert code_of(await client.get(path, headers=ORGANISER)) == (401, "token_missing")


async def test_a_ticket_says_what_its_holder_has_booked_and_its_key_is_published(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=5))
        holder = (await ask(client, "one", places=3)).json()
        given = (await get(client, holder)).json()
        assert given["ticket_code"] == holder["ticket_code"]
        assert (given["registration_id"], given["session_id"], given["places"]) == (
            holder["registration_id"],
            "one",
            3,
        )
        assert (await get(client, holder)).json() == given
        [key] = (await client.get("/tickets/keys")).json()["keys"]
        ours = TicketKey.from_private_key(TOKEN_PRIVATE_KEY)
        assert (key["key_id"], key["public_key"]) == (ours.public.key_id, ours.public.public_key)
        assert key["key_id"] == given["key_id"]
        read = ours.read(given["ticket"])
        assert read is not None
        assert (read.registration_id, read.places) == (holder["registration_id"], 3)


async def test_a_moved_session_keeps_a_ticket_and_a_cancellation_or_an_erasure_ends_it(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=5))
        printed = (await ask(client, "one")).json()
        ticket = (await get(client, printed)).json()["ticket"]
        await put(client, "street", activity("one", capacity=5, **now_on()))
        shown = {"ticket": ticket, "session_id": "one"}
        verdict = (await client.post("/check-ins", json=shown, headers=ORGANISER)).json()
        assert verdict["verdict"] == "ok"
        leaves, gone = [(await ask(client, "one")).json() for _ in range(2)]
        texts = [(await get(client, one)).json()["ticket"] for one in (leaves, gone)]
        await cancel(client, leaves)
        await erase(client, gone)
        verdicts = [
            (await client.post("/check-ins", json={"ticket": text}, headers=ORGANISER)).json()["verdict"]
            for text in texts
        ]
        assert verdicts == ["cancelled", "revoked"]
        assert code_of(await get(client, leaves)) == (409, "ticket_missing")
        assert code_of(await get(client, gone)) == (404, "registration_unknown")
        # Who asks again gets another ticket; the first one stays revoked.
        again = await ask(client, "one", token=leaves["token"])
        assert again.status_code == 201
        renewed = (await get(client, leaves)).json()["ticket"]
        for text, expected in ((texts[0], "revoked"), (renewed, "ok")):
            answer = await client.post("/check-ins", json={"ticket": text}, headers=ORGANISER)
            assert answer.json()["verdict"] == expected
