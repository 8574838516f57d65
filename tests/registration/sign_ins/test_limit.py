"""How many sign-ins an hour may bring: nobody finds a code, and nobody locks another person out."""

import pytest

from services.registration.participants.codes import CODE_BITS
from services.registration.sign_ins.limit import Limit
from services.registration.sign_ins.rules import (
    ADDRESS_MAX,
    ALWAYS_MAX,
    CONTACT_AND_ADDRESS_MAX,
    CONTACT_MAX,
    TRIES_MAX,
    is_too_much,
)
from services.registration.sign_ins.store import SignInStore
from shared.runtime.keyed_hash import KeyedHash
from shared.web.problems import NotHttp
from shared.web.senders import SITE_TIMES
from tests.support.kafka import fresh_database

LI, WANG = "hash of li", "hash of wang"


async def allowed(limit: Limit, contact: str, addresses: list[str]) -> int:
    """How many of these requests are let through."""
    count = 0
    for address in addresses:
        try:
            await limit.check(contact, address)
        except NotHttp:
            continue
        count += 1
    return count


@pytest.mark.stack
async def test_many_addresses_together_lock_nobody_out(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        limit = Limit(SignInStore(database), KeyedHash(b"secret"))
        attackers = [f"10.0.0.{number % 11}" for number in range(11 * CONTACT_AND_ADDRESS_MAX)]
        assert CONTACT_MAX <= await allowed(limit, LI, attackers) <= CONTACT_MAX + 11 * ALWAYS_MAX
        assert await allowed(limit, LI, attackers) == 0
        assert await allowed(limit, LI, ["192.0.2.1"] * (ALWAYS_MAX + 1)) == ALWAYS_MAX
        assert await allowed(limit, WANG, ["10.0.0.1"]) == 1


@pytest.mark.stack
async def test_all_addresses_of_a_host_of_version_6_are_one(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        limit = Limit(SignInStore(database), KeyedHash(b"secret"))
        host = [f"2001:db8::{number:x}" for number in range(2 * CONTACT_AND_ADDRESS_MAX)]
        assert await allowed(limit, LI, host) == CONTACT_AND_ADDRESS_MAX


@pytest.mark.stack
async def test_the_networks_of_one_site_have_ten_times_the_bound_together(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        limit = Limit(SignInStore(database), KeyedHash(b"secret"))
        site_max = CONTACT_AND_ADDRESS_MAX * SITE_TIMES
        networks = [f"2001:db8:1:{number:x}::1" for number in range(site_max + 5)]
        assert await allowed(limit, LI, networks) == site_max
        assert await allowed(limit, LI, ["2001:db8:2::1", "192.0.2.1"]) == 2


def test_a_site_is_bounded_also_for_many_contacts() -> None:
    site_max = ADDRESS_MAX * SITE_TIMES
    assert not is_too_much(of_pair=1, of_contact=1, of_network=site_max, times=SITE_TIMES)
    assert is_too_much(of_pair=1, of_contact=1, of_network=site_max + 1, times=SITE_TIMES)


def test_a_network_is_bounded_also_for_many_contacts() -> None:
    assert not is_too_much(of_pair=1, of_contact=1, of_network=ADDRESS_MAX)
    assert is_too_much(of_pair=1, of_contact=1, of_network=ADDRESS_MAX + 1)


def test_a_code_is_not_found_by_a_hundred_thousand_networks() -> None:
    # The codes of today and of yesterday are good.
    codes_an_hour = (CONTACT_MAX + 100_000 * ALWAYS_MAX) * TRIES_MAX * 2
    assert 2**CODE_BITS / codes_an_hour > 40 * 365 * 24
