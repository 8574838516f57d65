"""
Of two people who change the same thing, none loses silently.

The routes come from the services' own tables. A new PUT or PATCH fails here until things.py has its thing.
"""

import asyncio
import re
from functools import cache

import httpx
import pytest

from ops.documents.settings import assembled
from tests.support.service import code_of
from tests.test_roles import SECRETS, routes, services
from tests.versions.things import READ_AT, THINGS, Json, Thing, two_copies

# Only the holder of an attempt's token saves its answers. Of the saves the highest revision counts, in
# whatever order they come: an older one overwrites nothing (decision 0056).
BY_REVISION = {"PUT /attempts/{attempt_id}/answers"}
CODES = {"version_differs", "quiz_differs", "draft_differs", "scheme_differs"}
STRONG = re.compile(r'"[\x21\x23-\x7e]+"')
AT_ONCE = range(3, 7)

every_put = pytest.mark.parametrize(
    ("service", "route"), [(service, route) for service, of in THINGS.items() for route in of]
)


@services
def test_every_route_that_puts_something_is_tried_here_and_declares_its_conditions(service: str) -> None:
    app = assembled(service, SECRETS)
    found = {name for name, _ in routes(app) if name.startswith(("PUT ", "PATCH "))}
    assert found - BY_REVISION == THINGS[service].keys()
    paths = paths_of(service)
    for name in found - BY_REVISION:
        method, path = name.split()
        operation = paths[path][method.lower()]
        read = paths[path + READ_AT.get(name, "")]["get"]
        assert [one["responses"]["200"]["headers"].keys() for one in (operation, read)] == [{"ETag"}] * 2
        assert "If-Match" in {one["name"] for one in operation["parameters"]}, name
        refused = operation["responses"]["412"]["description"]
        assert refused.startswith("Refused: somebody has changed"), name


@pytest.mark.stack
@every_put
async def test_of_two_who_change_the_same_none_loses_silently(mongo: str, service: str, route: str) -> None:
    async with two_copies(service, route, mongo) as (thing, [one, other]):
        read, tag = await read_of(thing, one, route)
        # What is read is what is put, and puts nothing new.
        again = await send(thing, other, route, thing.body(read), **{"If-Match": tag})
        assert (again.status_code, again.headers["etag"]) == (200, tag), again.text
        assert await read_of(thing, one, route) == (read, tag)

        first = await send(thing, one, route, thing.changed(read, 1), **{"If-Match": tag})
        assert first.status_code == 200, first.text
        now, new_tag = await read_of(thing, other, route)
        assert first.headers["etag"] == new_tag != tag
        assert thing.body(now)[thing.field] == thing.values(1)

        for stale in (tag, f"W/{new_tag}"):
            late = await send(thing, other, route, thing.changed(read, 2), **{"If-Match": stale})
            assert code_of(late)[0] == 412, late.text
            assert code_of(late)[1] in CODES
        assert await read_of(thing, one, route) == (now, new_tag)
        whatever = await send(thing, other, route, thing.changed(read, 2))
        assert whatever.status_code == 200


@pytest.mark.stack
@every_put
async def test_of_many_at_once_who_have_read_the_same_one_wins(mongo: str, service: str, route: str) -> None:
    async with two_copies(service, route, mongo) as (thing, clients):
        read, tag = await read_of(thing, clients[0], route)
        answers = await asyncio.gather(
            *(
                send(thing, clients[nth % 2], route, thing.changed(read, nth), **{"If-Match": tag})
                for nth in AT_ONCE
            )
        )
        [won] = [nth for nth, answer in zip(AT_ONCE, answers, strict=True) if answer.status_code == 200]
        assert {code_of(one)[0] for one in answers if one.status_code != 200} <= {409, 412}
        now, new_tag = await read_of(thing, clients[1], route)
        assert thing.body(now)[thing.field] == thing.values(won)
        assert answers[won - AT_ONCE[0]].headers["etag"] == new_tag


@pytest.mark.stack
@every_put
async def test_of_many_at_once_who_make_something_new_one_wins(mongo: str, service: str, route: str) -> None:
    parameters = declared(service, route)
    async with two_copies(service, route, mongo) as (thing, clients):
        if thing.missing is None:
            assert "If-None-Match" not in parameters
            return
        path, body = thing.missing
        method = route.split()[0]
        if "If-None-Match" not in parameters:
            # It changes what is there, and makes nothing.
            answer = await clients[0].request(method, path, json=body, headers=thing.headers)
            assert code_of(answer)[0] in (403, 404)
            return
        new = thing.headers | {"If-None-Match": "*"}
        answers = await asyncio.gather(
            *(clients[nth % 2].request(method, path, json=body, headers=new) for nth in AT_ONCE)
        )
        assert sum(answer.status_code == 200 for answer in answers) == 1
        assert {code_of(one)[0] for one in answers if one.status_code != 200} <= {409, 412}
        known = await clients[0].request(method, path, json=body, headers=new)
        assert code_of(known)[0] == 412
        assert code_of(known)[1] in CODES


@pytest.mark.stack
@every_put
async def test_what_is_deleted_and_made_again_has_another_tag(mongo: str, service: str, route: str) -> None:
    _, path = route.split()
    if "delete" not in paths_of(service)[path]:
        return
    async with two_copies(service, route, mongo) as (thing, [one, other]):
        read, tag = await read_of(thing, one, route)
        gone = await one.delete(thing.path, headers=thing.headers)
        assert gone.is_success, gone.text
        again = await send(thing, other, route, thing.changed(read, 1))
        if again.status_code == 404:
            # It cannot come back under its name.
            return
        assert again.status_code == 200, again.text
        now, new_tag = await read_of(thing, one, route)
        assert again.headers["etag"] == new_tag != tag
        # Whoever has read what is gone overwrites and deletes nothing.
        late = await send(thing, one, route, thing.changed(read, 2), **{"If-Match": tag})
        assert code_of(late)[0] == 412
        if "If-Match" in declared(service, f"DELETE {path}"):
            late = await one.delete(thing.path, headers=thing.headers | {"If-Match": tag})
            assert code_of(late)[0] == 412
        assert await read_of(thing, other, route) == (now, new_tag)


@cache
def paths_of(service: str) -> Json:
    """The paths of a service's OpenAPI document. To make it takes half a second."""
    paths: Json = assembled(service, SECRETS).openapi()["paths"]
    return paths


def declared(service: str, route: str) -> set[str]:
    """The parameters of a route."""
    method, path = route.split()
    operation = paths_of(service)[path][method.lower()]
    return {one["name"] for one in operation["parameters"]}


async def read_of(thing: Thing, client: httpx.AsyncClient, route: str) -> tuple[Json, str]:
    """The thing as it is now, and its tag."""
    answer = await client.get(thing.path + READ_AT.get(route, ""), headers=thing.headers)
    assert answer.status_code == 200, answer.text
    tag = answer.headers["etag"]
    assert STRONG.fullmatch(tag)
    return answer.json(), tag


async def send(
    thing: Thing, client: httpx.AsyncClient, route: str, body: Json, **headers: str
) -> httpx.Response:
    return await client.request(route.split()[0], thing.path, json=body, headers=thing.headers | headers)
