"""If more ask than one transaction decides, networks take turns, and in a network those with a token."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass

import httpx
import pytest
from prometheus_client import REGISTRY

from services.registration.app import assemble
from services.registration.booking.book import BOOKINGS_MAX
from shared.runtime.errors import Overloaded
from shared.web.hot import HotRequest
from tests.registration.builders import (
    activity,
    ask,
    newcomer,
    put,
    registering,
    seats,
    service,
    settings,
    soon,
    taken,
)
from tests.support.service import bearer, copies_of, new_id
from tests.support.waiting import eventually
from tests.support.web import port_of, serving

pytestmark = pytest.mark.stack

SCHOOL, ELSEWHERE = "10.0.0.1", "10.0.0.2"


def waiting_apart() -> float | None:
    return REGISTRY.get_sample_value("kepu_group_commit_waiting_items", {"name": "bookings_apart"})


def body(session_id: str) -> bytes:
    return json.dumps({"session_id": session_id, "participant": newcomer()}).encode()


@dataclass
class People:
    """They ask over connections of their own, each from its network."""

    port: int
    session_id: str

    async def ask(self, address: str, token: str = "") -> str:
        """A newcomer, or whose token it is, asks for a place. The id of the registration."""
        content = json.dumps({"session_id": self.session_id}).encode() if token else body(self.session_id)
        lines = {
            "Host": "registration",
            # uvicorn trusts 127.0.0.1 as a proxy unless it is told otherwise.
            "X-Forwarded-For": address,
            "Content-Type": "application/json",
            "Content-Length": f"{len(content)}",
            "Idempotency-Key": new_id("key-of-request"),
        } | (bearer(token) if token else {})
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"POST /registrations HTTP/1.1\r\n{head}\r\n".encode() + content)
        answer = await reader.readuntil(b"}")
        writer.close()
        assert answer.startswith(b"HTTP/1.1 201 "), answer
        id_: str = json.loads(answer.partition(b"\r\n\r\n")[2])["registration_id"]
        return id_


async def test_who_comes_behind_hundreds_of_another_sender_is_in_the_next_transaction(mongo: str) -> None:
    only, of = new_id("session"), settings(mongo=mongo)
    async with copies_of(assemble, of, of.database, copies=0) as (_, database):
        app = assemble(of)
        async with serving(app) as server:
            address = f"http://127.0.0.1:{port_of(server)}"
            async with httpx.AsyncClient(base_url=address, timeout=60) as client:
                await put(client, new_id("street"), activity("earlier", capacity=10, **soon()))
                await put(client, new_id("street"), activity(only, capacity=900))
                pupil = (await ask(client, "earlier")).json()
            people = People(port_of(server), only)
            async with taken(database, only):
                asked = [asyncio.create_task(people.ask(SCHOOL))]
                # It is being decided, in the queue of the locked session. All others wait behind it.
                await eventually(lambda: waiting_apart() == 1)
                asked += [asyncio.create_task(people.ask(SCHOOL)) for _ in range(BOOKINGS_MAX + 60)]
                await eventually(lambda: app.state.turns.hot_under_way == len(asked))
                others = [people.ask(ELSEWHERE), people.ask(SCHOOL, pupil["token"])]
                asked += [asyncio.create_task(one) for one in others]
                await eventually(lambda: app.state.turns.hot_under_way == len(asked))
            *_, elsewhere, pupils = await asyncio.gather(*asked)
            kept = await database["registrations"].find({"session_id": only}).sort("sequence").to_list(None)
            order = [one["_id"] for one in kept]
            assert len(order) == BOOKINGS_MAX + 63
            assert max(order.index(elsewhere), order.index(pupils)) <= BOOKINGS_MAX


async def test_if_too_many_wait_the_last_one_of_who_has_most_gives_way(mongo: str) -> None:
    street, only = new_id("street"), new_id("session")
    most = BOOKINGS_MAX + 20

    def request(address: str) -> HotRequest:
        return HotRequest("", b"", new_id("key-of-request").encode(), body(only), address=address)

    async with service(mongo) as ([client], database):
        await put(client, street, activity(only, capacity=900))
        full = registering(database, waiting_max=most)
        async with taken(database, only):
            flood = [asyncio.create_task(full.register(request(SCHOOL))) for _ in range(most + 30)]
            honest = asyncio.create_task(full.register(request(ELSEWHERE)))
            await eventually(lambda: sum(one.done() for one in flood) == 31)
            assert full.waiting == most
        assert (await honest)[0] == 201
        answers = await asyncio.gather(*flood, return_exceptions=True)
        refused = [one for one, answer in enumerate(answers) if isinstance(answer, Overloaded)]
        # Those beyond the bound, and the last one within it.
        assert refused == list(range(most - 1, most + 30))
        assert Counter(answer[0] for answer in answers if isinstance(answer, tuple)) == {201: most - 1}
        assert await seats(client, street) == (900 - most, 0)
        assert full.waiting == 0
