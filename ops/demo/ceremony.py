"""A short awarding ceremony: somebody comes for a team, awards are handed over, and one by mistake."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from ops.deployment.client import Client, UnexpectedAnswer

Json: TypeAlias = dict[str, Any]
CEREMONY_ID = "flag-ceremony"


async def award_ceremony(client: Client, scheme_ids: Iterable[str], awards: Sequence[Json]) -> None:
    """Call these awards by these schemes, and hand over all but the first."""
    url, key = f"{client.apis.awards}/ceremonies/{CEREMONY_ID}", client.apis.organiser
    items = [{"scheme_id": one, "presenter": "组委会主任"} for one in dict.fromkeys(scheme_ids)]
    body = {"title": "授旗授牌仪式", "title_en": "Flags and plaques", "items": items}
    await client.ask("PUT", url, json=body, headers=key)
    proxy = f"{url}/proxies/{awards[0]['recipient_id']}"
    await client.ask("PUT", proxy, json={"receiver_name": "李大明"}, headers=key)
    codes = {"award_codes": [one["award_code"] for one in awards]}
    await client.ask("POST", f"{url}/handed-over", json=codes, headers=key)
    first = {"award_codes": codes["award_codes"][:1]}
    await client.ask("POST", f"{url}/handed-over/undo", json=first, headers=key)
    counts = (await client.ask("GET", f"{url}/script", headers=key))["counts"]
    if counts["handed_over"] != len(awards) - 1:
        raise UnexpectedAnswer(f"{counts['handed_over']} of {len(awards)} awards were handed over")
