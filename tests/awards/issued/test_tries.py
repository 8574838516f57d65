"""How many codes of no award a network may ask for."""

import httpx
import pytest
from fastapi.routing import APIRoute

from services.awards.credentials import api as credentials_api
from services.awards.documents import api as documents_api
from services.awards.issued import api as issued_api
from services.awards.issued.codes import award_code
from services.awards.issued.tries import WRONG_CODES_MAX, CountsWrongCodes
from services.awards.known.store import KnownStore
from tests.awards.builders import confer, put, scheme
from tests.support.service import code_of, new_id

pytestmark = pytest.mark.stack

PATHS = ("/awards/{}", "/verify/{}", "/awards/{}/document.pdf")


def nobodys() -> str:
    return award_code(new_id("award"), b"of nobody")


async def test_beyond_the_bound_a_wrong_code_is_refused_another_way_and_a_right_one_is_answered(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    of, team = scheme(), new_id("group")
    await put(client, of)
    await known.add_participants([team])
    right = (await confer(client, of, team)).json()["award_code"]
    for n in range(WRONG_CODES_MAX):
        path = PATHS[n % len(PATHS)].format(nobodys())
        assert code_of(await client.get(path)) == (404, "award_unknown"), path
    for path in PATHS:
        refused = await client.get(path.format(nobodys()))
        assert code_of(refused) == (429, "award_codes_tried"), path
        assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert (await client.get(f"/awards/{right}")).status_code == 200
    # A mistyped code is none that somebody has guessed.
    typed = right[:-1] + ("0" if right[-1] != "0" else "1")
    assert code_of(await client.get(f"/awards/{typed}")) == (422, "award_code_malformed")


def test_every_route_by_a_code_that_anybody_may_ask_counts_wrong_ones() -> None:
    open_to_all = {
        route.path: CountsWrongCodes in route.dependencies
        for module in (issued_api, documents_api, credentials_api)
        for route in module.routes.routes
        if isinstance(route, APIRoute) and "{award_code}" in route.path and route.methods == {"GET"}
    }
    assert len(open_to_all) >= len(PATHS)
    assert [path for path, counts in open_to_all.items() if not counts] == []
