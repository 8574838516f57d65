"""The links of the verifiable credential: its place in a status list, and its proof."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx

from ops.audit.chain.facts import Facts, Json, Shown
from ops.audit.chain.links import Link
from ops.audit.credentials import READ_SECONDS_MAX, reader_of
from ops.deployment.description import Apis
from shared.credentials.status_list import LENGTH, decoded, is_set
from shared.credentials.verify import Known, verify, wanted

GOOD = ("held", "genuine")


def links_of_credentials(facts: Facts) -> Iterator[Link]:
    """Each credential that was given, with the bit of its status list; and the proof of the last one."""
    row = facts.award or {}
    issued = {event.body["version"] for event in facts.of_award("award.issued")}
    for one in row.get("credentials", ()):
        version, place = one["version"], one["place"]
        bit, ended = facts.shown.bits.get(place), version < row["version"]
        says = f"of version {version}: place {place % LENGTH} in status list {place // LENGTH}"
        differs = []
        if bit is None:
            says += ", which nobody publishes now"
        else:
            says += ", revoked" if bit else ", not revoked"
            if bit != ended:
                differs.append(f"the list says {'revoked' if bit else 'not revoked'}, and should not")
        if issued and version not in issued:
            differs.append(f"version {version} was never issued")
        yield Link("credential", says, tuple(differs), stored=f"awards.awards/{facts.named.award_id}")
    if facts.shown.verdict is not None:
        code, why = facts.shown.verdict
        yield Link("proof", f"{code}: {why}", () if code in GOOD else (f"the verdict is {code}",))


async def with_shown(facts: Facts, apis: Apis) -> Facts:
    """The facts with what awards shows of the award. Nothing is asked that would give a new credential."""
    row = facts.award or {}
    given = row.get("credentials", ())
    if not given or "awards" not in apis.urls:
        return facts
    read = reader_of(apis)
    lists = {number: await read(number) for number in {one["place"] // LENGTH for one in given}}
    bits: dict[int, bool | None] = {}
    for place in (one["place"] for one in given):
        found = lists[place // LENGTH]
        bits[place] = None if found is None else is_set(_bits(found), place % LENGTH)
    verdict = None
    held = not row.get("revoked_at") and any(one["version"] == row["version"] for one in given)
    if held and not facts.is_erased:
        verdict = await _verdict(facts.named.award_code, apis, facts.now)
    return replace(facts, shown=Shown(bits, verdict))


def _bits(status_list: Json) -> bytes:
    return decoded(status_list["credentialSubject"]["encodedList"])


async def _verdict(code: str, apis: Apis, now: datetime) -> tuple[str, str] | None:
    async with httpx.AsyncClient(timeout=READ_SECONDS_MAX) as client:
        try:
            credential = await client.get(f"{apis.awards}/awards/{code}/credential")
            did = await client.get(f"{apis.awards}/.well-known/did.json")
        except httpx.TransportError:
            return None
    if not credential.is_success or not did.is_success:
        return None
    document: dict[str, Any] = json.loads(did.content)
    issuer, _ = wanted(credential.content)
    found = verify(credential.content, Known({issuer: document}), max(now, datetime.now(now.tzinfo)))
    return found.code, found.why
