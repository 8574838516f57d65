"""Who is admitted by an organiser's key, and how often an address may be wrong."""

import json
from pathlib import Path

import pytest

from shared.runtime import acting
from shared.runtime.errors import Forbidden, NotAuthenticated
from shared.web.admitting import WRONG_KEYS_MAX, WRONG_KEYS_SECONDS, Admission
from shared.web.organiser_keys import OrganiserKeys, hash_of, new_key
from shared.web.problems import NotHttp, encoded
from shared.web.senders import SITE_TIMES
from shared.web.wrong_tries import WrongTries

SHORT = "sixteen-letters!"
VENUE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def wrong_keys(clock: Clock, addresses_max: int) -> WrongTries:
    return WrongTries(WRONG_KEYS_MAX, WRONG_KEYS_SECONDS, addresses_max=addresses_max, clock=clock)


def admission(owner_key: str = SHORT, clock: Clock | None = None, addresses_max: int = 100) -> Admission:
    counted = wrong_keys(clock or Clock(), addresses_max)
    return Admission(OrganiserKeys(owner_key), counted)


def refused(door: Admission, key: str | None, address: str = VENUE) -> str:
    with pytest.raises((Forbidden, NotAuthenticated, NotHttp)) as error:
        door.admit(key, acting.OWNER, address)
    return error.value.code


def use_up(door: Admission, address: str = VENUE) -> None:
    for number in range(WRONG_KEYS_MAX):
        assert refused(door, f"guess-{number}", address) == "organiser_key_wrong"


def test_the_key_admits_and_nothing_else_does() -> None:
    door = admission()
    assert door.admit(SHORT, acting.OWNER, VENUE).role == "owner"
    assert refused(door, None) == "organiser_key_missing"
    assert refused(door, "") == "organiser_key_missing"
    assert refused(door, SHORT[:-1]) == "organiser_key_wrong"
    assert refused(door, "钥匙") == "organiser_key_wrong"


def test_after_too_many_wrong_keys_an_address_is_refused_and_told_for_how_long() -> None:
    clock = Clock()
    door = admission(clock=clock)
    use_up(door)
    clock.now += 10
    with pytest.raises(NotHttp) as error:
        door.admit("guess", acting.OWNER, VENUE)
    status, headers, _ = encoded(error.value)
    assert (status, dict(headers)["retry-after"]) == (429, str(WRONG_KEYS_SECONDS - 10))
    assert refused(door, "guess", ELSEWHERE) == "organiser_key_wrong"
    clock.now += WRONG_KEYS_SECONDS - 10
    assert refused(door, "guess") == "organiser_key_wrong"


def test_a_short_key_is_not_found_by_going_on_trying() -> None:
    door = admission(SHORT)
    use_up(door)
    assert refused(door, SHORT) == "organiser_keys_tried"
    assert door.admit(SHORT, acting.OWNER, ELSEWHERE).role == "owner"


def test_nobody_locks_out_a_random_key_by_sending_wrong_ones_from_its_address() -> None:
    key = new_key()
    door = admission(key)
    use_up(door)
    assert door.admit(key, acting.OWNER, VENUE).role == "owner"


def test_a_good_key_with_a_role_that_is_not_enough_is_no_wrong_key(tmp_path: Path) -> None:
    key, file = new_key(), tmp_path / "organisers.json"
    entry = {
        "name": "east-gate",
        "role": "door",
        "key_sha256": hash_of(key),
        "added_at": "2027-05-01T00:00:00Z",
    }
    file.write_text(json.dumps({"organisers": [entry]}))
    door = Admission(OrganiserKeys(SHORT, file), wrong_keys(Clock(), 100))
    for _ in range(WRONG_KEYS_MAX + 1):
        assert refused(door, key) == "organiser_role"
    assert door.admit(key, acting.DOOR, VENUE).name == "east-gate"


def test_the_addresses_of_one_client_are_counted_as_one() -> None:
    door = admission()
    for number in range(WRONG_KEYS_MAX):
        refused(door, "guess", f"2001:db8:1:2::{number:x}")
    assert refused(door, "guess", "2001:db8:1:2:ffff::1") == "organiser_keys_tried"
    assert refused(door, "guess", "2001:db8:1:3::1") == "organiser_key_wrong"
    use_up(door)
    assert refused(door, "guess", f"::ffff:{VENUE}") == "organiser_keys_tried"


def test_the_networks_of_one_site_have_ten_times_the_bound_together() -> None:
    door = admission(addresses_max=1_000)
    for number in range(WRONG_KEYS_MAX * SITE_TIMES):
        assert refused(door, "guess", f"2001:db8:1:{number:x}::1") == "organiser_key_wrong"
    assert refused(door, "guess", "2001:db8:1:ffff::1") == "organiser_keys_tried"
    assert refused(door, "guess", "2001:db8:2::1") == "organiser_key_wrong"


def test_the_memory_for_addresses_is_bounded() -> None:
    door = admission(addresses_max=10)
    use_up(door)
    for number in range(9):
        refused(door, "guess", f"198.51.100.{number}")
    assert refused(door, "guess") == "organiser_keys_tried"
    refused(door, "guess", "198.51.100.9")
    assert len(door._wrong_keys._counted) == 10
    assert refused(door, "guess") == "organiser_key_wrong"


@pytest.mark.parametrize(
    ("roles", "admitted"),
    [
        (acting.OWNER, {"owner"}),
        (acting.ORGANISER, {"owner", "organiser"}),
        (acting.DOOR, {"owner", "organiser", "door"}),
        (acting.VIEWER, {"owner", "organiser", "viewer"}),
        (acting.ANY_ROLE, {"owner", "organiser", "door", "viewer"}),
    ],
)
def test_a_role_may_do_what_the_roles_below_it_may(roles: frozenset[acting.Role], admitted: set[str]) -> None:
    assert roles == admitted
