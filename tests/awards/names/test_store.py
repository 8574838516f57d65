"""Names at awards: the highest version stays, an erasure is final, and only the right key opens them."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from services.awards.names.handlers import NameHandler
from services.awards.names.rules import Address, ShownName
from services.awards.names.store import NameStore
from shared.contracts.envelope import Event
from shared.contracts.sealing import encrypt_words, new_key, seal_key
from shared.runtime import clock
from shared.storage.mongo import Database
from tests.awards.builders import envelope, erased
from tests.awards.names.builders import AT_HOME, named, unnamed
from tests.support.service import CONTACT_PRIVATE_KEY, NAME_PRIVATE_KEY, NAME_PUBLIC_KEY, batch_of, new_id

pytestmark = pytest.mark.stack


async def keep(names: NameStore, *events: Event) -> None:
    await NameHandler(names).keep(batch_of(*[envelope(event) for event in events]))


async def test_what_is_shown_is_the_holders_choice(database: Database) -> None:
    names = NameStore(database, NAME_PRIVATE_KEY)
    school = named("school", "第一中学", kind="group", shown="full")
    people = [
        named("masked", group_id="school"),
        named("full", shown="full", group_id="unheard"),
        named("none", shown="none"),
        named("unread", None),
    ]
    await keep(names, school, *people)
    assert await names.shown(["masked", "full", "none", "unread", "school", "unheard"]) == {
        "masked": ShownName("李*明", "person", "第一中学"),
        "full": ShownName("李小明", "person"),
        "none": ShownName(None, "person"),
        "unread": ShownName(None, "person"),
        "school": ShownName("第一中学", "group"),
    }


async def test_in_any_order_and_twice_the_highest_version_stays(database: Database) -> None:
    names = NameStore(database, NAME_PRIVATE_KEY)
    for order in permutations([1, 2, 3]):
        id_ = new_id("person")
        for version in (*order, *order):
            await keep(names, named(id_, f"李{version}明", version=version, shown="full"))
        assert (await names.shown([id_]))[id_].text == "李3明"


@pytest.mark.parametrize("gone", [erased, unnamed])
async def test_an_erasure_is_final_in_any_order(database: Database, gone: Callable[[str], Event]) -> None:
    names = NameStore(database, NAME_PRIVATE_KEY)
    person = new_id("person")
    happened = [named(person, version=1), gone(person), named(person, version=5, address=AT_HOME)]
    for order in permutations(happened):
        await database["names"].delete_many({})
        for event in order:
            await keep(names, event)
        assert await names.shown([person]) == {}
        assert await names.full([person]) == {}
        [left] = await database["names"].find({}).to_list(None)
        assert set(left) == {"_id", "version", "erased_at"}


async def test_a_repeat_of_an_erasure_keeps_the_first_time(database: Database) -> None:
    names = NameStore(database, NAME_PRIVATE_KEY)
    await names.erase([erased("p")], clock.now())
    first = await database["names"].find_one({"_id": "p"})
    await names.keep([unnamed("p", 7)], clock.now())
    assert await database["names"].find_one({"_id": "p"}) == first


@pytest.mark.parametrize("key", [None, CONTACT_PRIVATE_KEY], ids=["none", "another"])
async def test_without_the_right_key_no_name_is_opened(database: Database, key: str | None) -> None:
    names = NameStore(database, key)
    await keep(names, named("p", shown="full", address=AT_HOME))
    assert (await names.shown(["p"]))["p"].text is None
    full = (await names.full(["p"]))["p"]
    assert (full.text, full.address) == (None, None)


async def test_organisers_read_the_whole_name_and_the_address(database: Database) -> None:
    names = NameStore(database, NAME_PRIVATE_KEY)
    school = named("school", "第一中学", kind="group", shown="none")
    await keep(names, school, named("p", group_id="school", shown="none", address=AT_HOME))
    full = (await names.full(["p"]))["p"]
    assert (full.text, full.unit, full.district) == ("李小明", "第一中学", "华龙区")
    assert full.address is not None
    assert full.address.street == AT_HOME["street"]
    assert "李小明" not in repr(full)


@pytest.mark.parametrize("words", ["not json", "null", "[1]", '{"recipient":1}'])
async def test_what_is_no_address_is_none_and_nobody_else_notices(database: Database, words: str) -> None:
    names = NameStore(database, NAME_PRIVATE_KEY)
    key = new_key()
    odd: dict[str, Any] = {
        "address_locked": encrypt_words(words, key),
        "name_locked": encrypt_words("王芳", key),
    }
    await keep(
        names, named("odd", key_sealed=seal_key(key, NAME_PUBLIC_KEY), **odd), named("li", address=AT_HOME)
    )
    found = await names.full(["odd", "li"])
    assert (found["odd"].text, found["odd"].address) == ("王芳", None)
    assert found["li"].address == Address(**AT_HOME)


@pytest.mark.parametrize("words", ["a\0b", "a\nb", "\u202eb", "长" * 201, " "])
async def test_what_is_no_name_is_shown_nowhere(database: Database, words: str) -> None:
    names = NameStore(database, NAME_PRIVATE_KEY)
    await keep(names, named("odd", words, shown="full"), named("of", "李明", shown="full", group_id="odd"))
    assert (await names.shown(["odd"]))["odd"].text is None
    assert (await names.full(["odd"]))["odd"].text is None
    assert (await names.shown(["of"]))["of"] == ShownName("李明", "person")


async def test_many_names_are_opened_in_turns(database: Database) -> None:
    names = NameStore(database, NAME_PRIVATE_KEY)
    ids = [new_id("person") for _ in range(450)]
    await keep(names, *[named(id_) for id_ in ids])
    assert {one.text for one in (await names.shown(ids)).values()} == {"李*明"}


async def test_nothing_is_stored_in_clear(database: Database) -> None:
    names = NameStore(database, NAME_PRIVATE_KEY)
    await keep(names, named("p", shown="full", address=AT_HOME))
    stored = str(await database["names"].find({}).to_list(None))
    assert not any(word in stored for word in ("李小明", *AT_HOME.values()))
