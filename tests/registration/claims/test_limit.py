"""Codes as people type them, and how many wrong ones there may be."""

import pytest

from services.registration.claims.codes import CODE_BITS, ClaimCodes
from services.registration.claims.limit import TriesLimit
from services.registration.claims.rules import (
    ALWAYS_MAX,
    CODE_VALID,
    GROUP_AND_NETWORK_MAX,
    GROUP_MAX,
    NETWORK_MAX,
    PERSON_MAX,
    code_wrong,
    is_too_much,
)
from services.registration.rosters.rules import MEMBERS_MAX
from services.registration.sign_ins.store import SignInStore
from shared.runtime.errors import Forbidden
from shared.web.problems import NotHttp
from shared.web.senders import SITE_TIMES
from tests.registration.builders import KEYS, service

CODES = ClaimCodes(b"secret")
CODE = CODES.code("school-1", "m1", 1)
OF_CODE = CODES.hash_of("school-1", CODE)


@pytest.mark.parametrize(
    "typed",
    [
        CODE.lower(),
        CODE.replace("-", ""),
        CODE.replace("-", " — "),
        "".join(chr(ord(c) + 0xFEE0) for c in CODE),
        f"\u3000{CODE}\t",
    ],
)
def test_a_code_is_the_same_in_any_case_and_width(typed: str) -> None:
    assert CODES.hash_of("school-1", typed) == OF_CODE


def test_a_code_is_that_of_one_group_member_and_round() -> None:
    others = {
        CODES.code("school-2", "m1", 1),
        CODES.code("school-1", "m2", 1),
        CODES.code("school-1", "m1", 2),
        ClaimCodes(b"another").code("school-1", "m1", 1),
    }
    assert len(others | {CODE}) == 5
    assert CODES.hash_of("school-2", CODE) != OF_CODE


def test_no_code_of_a_full_roster_is_found_by_trying_while_it_is_good() -> None:
    tries = 10_000 * CODE_VALID.total_seconds()
    assert tries * MEMBERS_MAX / 2**CODE_BITS < 1 / 1000


@pytest.mark.parametrize(
    ("counts", "too_much"),
    [
        ((0, GROUP_AND_NETWORK_MAX, GROUP_MAX, NETWORK_MAX), False),
        ((0, GROUP_AND_NETWORK_MAX + 1, GROUP_MAX, NETWORK_MAX), True),
        ((0, ALWAYS_MAX, GROUP_MAX + 1, 1), False),
        ((0, ALWAYS_MAX + 1, GROUP_MAX + 1, 1), True),
        ((0, 1, 1, NETWORK_MAX + 1), True),
        ((PERSON_MAX, 1, 1, 1), False),
        ((PERSON_MAX + 1, 1, 1, 1), True),
    ],
)
def test_each_bound_counts_and_nobody_locks_a_group_out(
    counts: tuple[int, int, int, int], too_much: bool
) -> None:
    person, pair, group, network = counts
    assert is_too_much(of_person=person, of_pair=pair, of_group=group, of_network=network) is too_much


def test_a_site_has_many_times_the_bounds_of_a_network() -> None:
    at_most = {"of_person": PERSON_MAX, "of_pair": 10 * GROUP_AND_NETWORK_MAX, "of_group": 1}
    assert not is_too_much(**at_most, of_network=10 * NETWORK_MAX, times=10)
    assert is_too_much(**at_most, of_network=10 * NETWORK_MAX + 1, times=10)
    assert is_too_much(**at_most | {"of_pair": 10 * GROUP_AND_NETWORK_MAX + 1}, of_network=1, times=10)
    assert is_too_much(**at_most | {"of_person": PERSON_MAX + 1}, of_network=1, times=10)


@pytest.mark.stack
async def test_wrong_codes_from_many_networks_of_one_site_are_bounded(mongo: str) -> None:
    async with service(mongo) as (_, database):
        limit = TriesLimit(SignInStore(database), KEYS.hash)

        async def refused(group_id: str, address: str) -> str:
            with pytest.raises((Forbidden, NotHttp)) as error:
                async with limit.one(group_id, None, address):
                    raise code_wrong()
            return error.value.code

        await refused("school-1", "2001:db8:1:1::1")
        # As if nearly all that a site may send had come. The next ones share nothing with them but the site.
        await database["sign_in_counts"].update_many({}, {"$set": {"requests": SITE_TIMES * NETWORK_MAX - 1}})
        assert await refused("school-2", "2001:db8:1:2::1") == "claim_code_wrong"
        assert await refused("school-3", "2001:db8:1:3::1") == "claims_too_many"
        assert await refused("school-3", "2001:db8:2:3::1") == "claim_code_wrong"


@pytest.mark.stack
async def test_wrong_codes_are_bounded_and_right_ones_do_not_count(mongo: str) -> None:
    async with service(mongo) as (_, database):
        limit = TriesLimit(SignInStore(database), KEYS.hash)

        async def wrong(who: str | None) -> None:
            async with limit.one("school-1", who, "203.0.113.1"):
                raise code_wrong()

        for _ in range(PERSON_MAX + 5):
            async with limit.one("school-1", "p1", "203.0.113.1"):
                pass
        for _ in range(PERSON_MAX):
            with pytest.raises(Forbidden):
                await wrong("p1")
        with pytest.raises(NotHttp) as refused:
            await wrong("p1")
        assert (refused.value.status, refused.value.code) == (429, "claims_too_many")
        for who in ("p2", None):
            with pytest.raises(Forbidden):
                await wrong(who)
        # A right one is taken all the same.
        async with limit.one("school-1", "p1", "203.0.113.1"):
            pass
