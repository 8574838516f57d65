"""Codes by SMS cost money: one network cannot use up the budget of all."""

from collections import Counter
from itertools import count

import httpx
import pytest

from services.registration.participants.limit import SmsLimit
from services.registration.participants.store import SmsCounts
from shared.runtime.errors import Conflict
from shared.storage.mongo import Database
from shared.web.problems import NotHttp
from shared.web.senders import SITE_TIMES
from tests.registration.builders import KEYS, activity, ask, events, newcomer, put, service
from tests.registration.sign_ins.builders import join
from tests.support.kafka import fresh_database
from tests.support.service import bearer, code_of

pytestmark = pytest.mark.stack
NUMBERS = count(13_800_138_000)


def by_phone(phone: str | None = None) -> dict[str, object]:
    fields = newcomer(phone=phone or f"{next(NUMBERS)}")
    del fields["email"]
    return fields


async def ask_in_each_way(client: httpx.AsyncClient, token: str) -> list[httpx.Response]:
    """For four codes by SMS."""
    return [
        await ask(client, "one", participant=by_phone()),
        await client.post("/participants", json=by_phone()),
        await client.post("/sign-ins", json={"phone": f"{next(NUMBERS)}"}),
        await client.patch("/me", json={"phone": f"{next(NUMBERS)}"}, headers=bearer(token)),
    ]


async def codes_asked_for(database: Database) -> int:
    return sum(one["by_phone"] for one in await events(database, "participant.code_requested"))


async def test_codes_are_counted_together_however_they_are_asked_for(mongo: str) -> None:
    async with service(mongo, phone_contacts=True, sms_codes_hour_max=4) as ([client], database):
        await put(client, "street", activity("one", 100))
        token = (await join(client, email="li@example.org")).json()["token"]
        assert [one.status_code for one in await ask_in_each_way(client, token)] == [201, 201, 202, 200]
        before = await codes_asked_for(database), await database["participants"].count_documents({})
        for refused in await ask_in_each_way(client, token):
            assert code_of(refused) == (429, "sms_too_many")
            assert 0 < int(refused.headers["retry-after"]) <= 3_600
            assert "e-mail address" in refused.json()["detail"]
        after = await codes_asked_for(database), await database["participants"].count_documents({})
        assert after == before
        chinese = await client.post("/participants", json=by_phone(), headers={"Accept-Language": "zh-CN"})
        assert "请改填电子邮箱" in chinese.json()["detail"]
        # With an e-mail address all go on.
        assert (await ask(client, "one")).status_code == 201
        assert (await join(client, email="wang@example.org")).status_code == 201


async def test_what_is_refused_or_repeated_asks_for_no_code_and_counts_for_nothing(mongo: str) -> None:
    async with service(mongo, phone_contacts=True, sms_codes_hour_max=2) as ([client], database):
        await put(client, "street", activity("one", 100))
        li, joining = by_phone(), by_phone()
        token = (await join(client, email="li@example.org")).json()["token"]
        assert (await ask(client, "one", key="k" * 20, participant=li)).status_code == 201
        for _ in range(3):
            assert (await ask(client, "one", key="k" * 20, participant=li)).status_code == 200
            assert code_of(await ask(client, "one", participant=li)) == (409, "contact_known")
            assert code_of(await ask(client, "none", participant=joining)) == (404, "session_unknown")
            assert code_of(await client.post("/participants", json=li)) == (409, "contact_known")
            taken = await client.patch("/me", json={"phone": li["phone"]}, headers=bearer(token))
            assert code_of(taken) == (409, "contact_known")
        assert (await client.post("/participants", json=joining)).status_code == 201
        assert code_of(await client.post("/participants", json=by_phone())) == (429, "sms_too_many")
        assert await codes_asked_for(database) == 2


async def allowed(limit: SmsLimit, addresses: list[str]) -> Counter[str]:
    """For which of these addresses a code may be asked for."""
    found: Counter[str] = Counter()
    for address in addresses:
        try:
            async with limit.one(address):
                found[address] += 1
        except NotHttp:
            continue
    return found


async def test_one_network_keeps_no_other_one_from_its_codes(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        for hour_max, day_max in ((6, 100), (100, 6)):
            counts = SmsCounts(database)
            limit = SmsLimit(counts, KEYS.hash, hour_max=hour_max, day_max=day_max)
            flood, other = f"192.0.2.{hour_max}", f"198.51.100.{hour_max}"
            assert await allowed(limit, [flood] * 50 + [other]) == {flood: 6, other: 1}
            # Those who are refused count for nothing.
            assert (await database["sms_counts"].find_one(sort=[("codes", -1)]) or {})["codes"] <= 6


async def test_the_networks_of_one_site_get_ten_times_the_codes_of_one_together(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        limit = SmsLimit(SmsCounts(database), KEYS.hash, hour_max=2, day_max=100)
        networks = [f"2001:db8:1:{number:x}::1" for number in range(4 * SITE_TIMES)]
        assert (await allowed(limit, networks)).total() == 2 * SITE_TIMES
        assert await allowed(limit, ["2001:db8:2::1"] * 5) == {"2001:db8:2::1": 2}


async def test_copies_count_together_and_no_address_is_stored(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        copies = [SmsLimit(SmsCounts(database), KEYS.hash, hour_max=3, day_max=9) for _ in range(2)]
        asked = [(await allowed(copies[number % 2], ["192.0.2.77"])).total() for number in range(6)]
        assert asked == [1, 1, 1, 0, 0, 0]
        with pytest.raises(Conflict):
            async with SmsLimit(SmsCounts(database), KEYS.hash, hour_max=4, day_max=9).one("192.0.2.77"):
                raise Conflict("refused")
        assert "192.0.2" not in str(await database["sms_counts"].find().to_list(None))
