"""Members without an address, and those who claim to be one of them."""

from typing import Any

import httpx

from shared.runtime import clock
from shared.storage.mongo import Database
from shared.web.tokens import Participant, TokenVerifier
from tests.registration.sign_ins.builders import join, signed_in
from tests.support.service import TOKEN_PUBLIC_KEY, bearer

Headers = dict[str, str]


async def member(client: httpx.AsyncClient, manager: Headers, name: str = "李小明", **details: Any) -> str:
    form = {"name": name} | details
    added = await client.post("/groups/school-1/members", json=form, headers=manager)
    assert added.status_code == 201, added.text
    return str(added.json()["member_id"])


async def code_for(client: httpx.AsyncClient, manager: Headers, member_id: str, **form: bool) -> str | None:
    """What a manager hands out on paper."""
    wanted = {"member_ids": [member_id]} | form
    answer = await client.post("/groups/school-1/claim-codes", json=wanted, headers=manager)
    assert answer.status_code == 200, answer.text
    [issued] = answer.json()["codes"]
    code: str | None = issued["claim_code"]
    return code


async def claim(
    client: httpx.AsyncClient, code: str | None, token: str | None = None, group_id: str = "school-1"
) -> httpx.Response:
    form = {"group_id": group_id, "claim_code": code or "none"}
    return await client.post("/memberships", json=form, headers=bearer(token) if token else {})


async def somebody(client: httpx.AsyncClient, database: Database, address: str) -> dict[str, Any]:
    """A participant with a verified contact, and a token."""
    await join(client, email=address)
    found: dict[str, Any] = (await signed_in(client, database, address)).json()
    return found


def said_by(token: str) -> Participant:
    return TokenVerifier(TOKEN_PUBLIC_KEY).verify(token, clock.now())


async def shown(client: httpx.AsyncClient, manager: Headers, member_id: str) -> dict[str, Any]:
    """A member as the managers see one."""
    page = (await client.get("/groups/school-1/members", headers=manager)).json()
    found: dict[str, Any] = next(one for one in page["members"] if one["member_id"] == member_id)
    return found
