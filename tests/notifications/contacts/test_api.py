"""Preferences over HTTP."""

from itertools import product

import pytest

from tests.notifications.api import api
from tests.support.service import as_participant, code_of, new_id

pytestmark = pytest.mark.stack


async def test_a_choice_that_is_misspelt_is_refused_and_what_is_given_can_be_put(
    kafka: str, mongo: str
) -> None:
    person = new_id()
    async with api(kafka, mongo) as (client, _):
        me = as_participant(person)
        answer = await client.put("/preferences", json={"emial": False}, headers=me)
        assert code_of(answer)[0] == 422
        given = (await client.get("/preferences", headers=me)).json()
        assert given == {"email": True, "sms": True, "language": None}
        assert (await client.put("/preferences", json=given, headers=me)).json() == given


@pytest.mark.parametrize("language", ["zh-CN", "en", None])
async def test_every_choice_is_kept(kafka: str, mongo: str, language: str | None) -> None:
    async with api(kafka, mongo) as (client, _):
        me = as_participant(new_id())
        for email, sms in product([False, True], repeat=2):
            chosen = {"email": email, "sms": sms, "language": language}
            assert (await client.put("/preferences", json=chosen, headers=me)).json() == chosen
            assert (await client.get("/preferences", headers=me)).json() == chosen
