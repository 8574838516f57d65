"""Organisers let a printer's file of flags be made, and look at it."""

import asyncio

from ops.deployment.client import Client, UnexpectedAnswer

PRINTED_SECONDS_MAX = 60.0
LOOK_SECONDS = 0.2


async def print_documents(client: Client, scheme_id: str) -> int:
    """
    Make the documents of a scheme's awards; returns their number.

    Raises:
        UnexpectedAnswer: they are not made in time, or some are missing.
    """
    url, by = f"{client.apis.awards}/schemes/{scheme_id}/prints", client.apis.organiser
    one = await client.ask("POST", url, json={"language": "zh-CN"}, headers=by)
    deadline = asyncio.get_running_loop().time() + PRINTED_SECONDS_MAX
    while one["state"] == "working":
        if asyncio.get_running_loop().time() > deadline:
            raise UnexpectedAnswer(f"{url} is not made after {PRINTED_SECONDS_MAX:.0f} s")
        await asyncio.sleep(LOOK_SECONDS)
        one = await client.ask("GET", f"{url}/{one['print_id']}", headers=by)
    if one["unprintables"]:
        raise UnexpectedAnswer(f"{url} could not print {one['unprintables']} awards")
    pages: int = one["pages"]
    return pages
