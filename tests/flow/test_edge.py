"""Limits for each address through the edge: those of the services, which know from Caddy who asks."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from uuid import uuid4

import httpx
import pytest

from ops.local.edge import EDGE
from ops.local.services import Part, Services, running
from services.awards.issued.codes import award_code
from services.awards.issued.tries import WRONG_CODES_MAX
from services.registration.claims.rules import GROUP_AND_NETWORK_MAX
from services.registration.sign_ins.rules import CONTACT_AND_ADDRESS_MAX
from shared.messaging.create_topics import create_missing
from tests.support.hours import wait_for_the_next_if_this_ends
from tests.support.servers import own_stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.own_servers,
    pytest.mark.skipif(
        sys.platform != "linux", reason="only there a client has all addresses of 127.0.0.0/8"
    ),
]

# By these an attacker says to come from elsewhere, as proxies do.
FORGED = (
    {"X-Forwarded-For": "198.51.100.7"},
    {"X-Forwarded-For": "127.0.0.1, 198.51.100.8"},
    {"X-Forwarded-For": "198.51.100.9, 127.0.0.1"},
    {"X-Real-IP": "198.51.100.10"},
    {"Forwarded": "for=198.51.100.11"},
)
Ask = Callable[[httpx.AsyncClient, dict[str, str]], Awaitable[httpx.Response]]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The edge, with registration and awards behind it."""
    with own_stack() as stack:
        asyncio.run(create_missing(stack.kafka_connection))
        parts = (Part("registration", "registration"), Part("awards", "awards"))
        with running(Services(stack, parts, detached=False, with_pages=True)) as services:
            yield services.url(EDGE)


def joining() -> Ask:
    contact = f"{uuid4().hex[:12]}@example.org"
    body = {"name": "李小明", "email": contact, "district": "华龙区"}
    return lambda client, headers: client.post("/api/registration/participants", json=body, headers=headers)


def signing_in() -> Ask:
    body = {"email": f"{uuid4().hex[:12]}@example.org"}
    return lambda client, headers: client.post("/api/registration/sign-ins", json=body, headers=headers)


def looking_up_a_code() -> Ask:
    # Of a group that does not exist: whoever asks cannot tell.
    body = {"group_id": f"school-{uuid4().hex[:12]}", "claim_code": "00000 00000"}
    return lambda client, headers: client.post("/api/registration/memberships", json=body, headers=headers)


def looking_up_an_award() -> Ask:
    # A code that nobody has, another one each time.
    def ask(client: httpx.AsyncClient, headers: dict[str, str]) -> Awaitable[httpx.Response]:
        code = award_code(uuid4().hex, b"of nobody")
        return client.get(f"/api/awards/verify/{code}", headers=headers)

    return ask


@pytest.mark.parametrize(
    ("ask", "most", "code"),
    [
        (joining(), CONTACT_AND_ADDRESS_MAX, "sign_ins_too_many"),
        (signing_in(), CONTACT_AND_ADDRESS_MAX, "sign_ins_too_many"),
        (looking_up_a_code(), GROUP_AND_NETWORK_MAX, "claims_too_many"),
        (looking_up_an_award(), WRONG_CODES_MAX, "award_codes_tried"),
    ],
    ids=["joining", "signing in", "looking up a group's code", "looking up an award's code"],
)
async def test_an_address_has_its_limit_through_the_edge_whatever_it_says_to_be(
    url: str, ask: Ask, most: int, code: str
) -> None:
    wait_for_the_next_if_this_ends()
    async with AsyncExitStack() as stack:
        one, another = [await stack.enter_async_context(at(url, f"127.0.0.{n}")) for n in (2, 3)]
        within = [(await ask(one, {})).status_code for _ in range(most)]
        assert 429 not in within
        beyond = [await ask(one, headers) for headers in ({}, *FORGED)]
        assert [(answer.status_code, answer.json()["code"]) for answer in beyond] == [(429, code)] * len(
            beyond
        )
        assert (await ask(another, {})).status_code != 429


def at(url: str, address: str) -> httpx.AsyncClient:
    """A client that comes from this address of this machine."""
    return httpx.AsyncClient(
        base_url=url,
        transport=httpx.AsyncHTTPTransport(local_address=address),
        timeout=30,
    )
