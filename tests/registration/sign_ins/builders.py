"""Newcomers who sign in: their codes, as the mail has them."""

from datetime import UTC, datetime
from typing import Any

import httpx

from services.registration.participants.codes import address_of
from shared.contracts.checked import email
from shared.contracts.sealing import plain
from shared.storage.mongo import Database
from tests.registration.builders import CODES, newcomer
from tests.support.service import bearer

# Good for nobody.
NO_CODE = "0000-0000"


async def code_for(database: Database, address: str) -> str:
    """The code that a mail to this address, or an SMS to this number in E.164, has now."""
    given = email(address) if "@" in address else address
    hash_ = CODES.hash_of(given)
    known = await database["contacts"].find_one({"_id": hash_})
    change = await database["sign_ins"].find_one({"contact_hash": hash_, "changes": {"$ne": None}})
    if change:
        id_, contact = change["changes"], change["contact_locked"]
    elif known and "participant_id" in known:
        id_ = known["participant_id"]
        owner = await database["participants"].find_one({"_id": id_}) or {}
        if owner["verified_at"] is None:
            # Of a contact that nobody has verified, the plain spelling gets the code.
            return CODES.code(plain(given), known["round"], datetime.now(UTC))
        contact = owner["contact_locked"]
    else:
        return NO_CODE
    key = ((await database["contact_keys"].find_one({"_id": id_})) or {})["key"]
    to = address_of(contact, key)
    return CODES.code(plain(to) if change else to, known["round"] if known else 1, datetime.now(UTC))


async def join(client: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    return await client.post("/participants", json=newcomer(**changes))


async def ask_for_code(client: httpx.AsyncClient, address: str) -> str:
    """The id of a new sign-in, with an e-mail address or a phone number."""
    answer = await client.post("/sign-ins", json={"email" if "@" in address else "phone": address})
    assert answer.status_code == 202
    id_: str = answer.json()["sign_in_id"]
    return id_


async def confirm(client: httpx.AsyncClient, sign_in_id: str, code: str) -> httpx.Response:
    return await client.post(f"/sign-ins/{sign_in_id}/confirmations", json={"code": code})


async def signed_in(client: httpx.AsyncClient, database: Database, address: str) -> httpx.Response:
    """Sign in as whoever reads this mailbox."""
    return await confirm(client, await ask_for_code(client, address), await code_for(database, address))


async def me(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.get("/me", headers=bearer(token))
