"""Files that wait for a confirmation: a key takes no place from others, and gets its own back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from services.quiz.bank.imports import (
    BANK_PREVIEWS_BYTES_MAX,
    BANK_PREVIEWS_MAX,
    BANK_PREVIEWS_OF_A_KEY_MAX,
    Kept,
    giving_way,
)
from services.quiz.bank.store import BankStore
from shared.runtime.errors import Conflict
from shared.storage.mongo import Database
from tests.quiz.bank.builders import REVIEWER, WRITER, bank, confirm, upload
from tests.support.service import code_of

TABLE = "知识领域,题目,A,B,答案\n天文,{text},木星,土星,A\n"
FULL = (409, "bank_previews_too_many")
MEGABYTE = 1_048_576


def file(text: str = "最大的行星是？") -> bytes:
    return TABLE.format(text=text).encode()


@asynccontextmanager
async def full(mongo: str, folder: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Database, list[str]]]:
    """The bank while as many files of the writer wait as may, and their ids."""
    async with bank(mongo, folder) as (client, database):
        first = (await upload(client, file(), format="csv")).json()
        kept = await database["bank_imports"].find_one({"_id": first["import_id"]})
        assert kept is not None
        others = [kept | {"_id": f"other-{n}"} for n in range(BANK_PREVIEWS_OF_A_KEY_MAX - 1)]
        await database["bank_imports"].insert_many(others)
        yield client, database, [first["import_id"], *(one["_id"] for one in others)]


@pytest.mark.stack
async def test_a_key_with_all_its_files_waiting_keeps_no_other_key_out(mongo: str, tmp_path: Path) -> None:
    async with full(mongo, tmp_path) as (client, _, _):
        refused = await upload(client, file(), format="csv")
        assert code_of(refused) == FULL
        # Before the file is read.
        assert code_of(await upload(client, b"\xff\xfe\x00", format="gift")) == FULL
        assert (await upload(client, file(), REVIEWER, format="csv")).status_code == 201


@pytest.mark.stack
async def test_a_preview_that_is_deleted_confirmed_or_refused_frees_its_place(
    mongo: str, tmp_path: Path
) -> None:
    async with full(mongo, tmp_path) as (client, database, waiting):

        async def is_free() -> bool:
            """Whether one more may wait; it is not kept."""
            answer = await upload(client, file("更多？"), format="csv")
            if answer.is_success:
                await database["bank_imports"].delete_one({"_id": answer.json()["import_id"]})
            return answer.is_success

        async def fill() -> None:
            assert (await upload(client, file("再来？"), format="csv")).status_code == 201
            assert not await is_free()

        path = f"/bank/imports/{waiting.pop()}"
        assert not await is_free()
        for _ in range(2):
            assert (await client.delete(path, headers=WRITER)).status_code == 204
        assert code_of(await client.get(path, headers=WRITER)) == (404, "import_unknown")
        assert await is_free()
        await fill()

        first = waiting.pop()
        assert (await confirm(client, first)).status_code == 200
        assert await is_free()
        refused = await client.delete(f"/bank/imports/{first}", headers=WRITER)
        assert code_of(refused) == (409, "import_done")
        await fill()

        # All others would import the same question, which is in the bank now.
        assert code_of(await confirm(client, waiting[0])) == (409, "import_outdated")
        assert await is_free()
        await fill()


@pytest.mark.stack
async def test_an_import_that_waits_for_its_turn_finds_its_preview_deleted(
    mongo: str, tmp_path: Path
) -> None:
    async with bank(mongo, tmp_path) as (client, database):
        one = (await upload(client, file(), format="csv")).json()["import_id"]
        path = f"/bank/imports/{one}"
        confirmed, deleted = await asyncio.gather(confirm(client, one), client.delete(path, headers=REVIEWER))
        # One of the two came first, and both know it.
        count = await database["bank_questions"].count_documents({})
        if count:
            assert (confirmed.status_code, code_of(deleted)) == (200, (409, "import_done"))
        else:
            assert (code_of(confirmed), deleted.status_code) == ((404, "import_unknown"), 204)


@pytest.mark.stack
async def test_the_largest_share_gives_way_in_the_database(mongo: str, tmp_path: Path) -> None:
    async with bank(mongo, tmp_path) as (client, database):
        ids = [(await upload(client, file(), REVIEWER, format="csv")).json()["import_id"] for _ in range(2)]
        # As if they were large.
        large = {"size_bytes": BANK_PREVIEWS_BYTES_MAX // 2}
        await database["bank_imports"].update_many({}, {"$set": large})
        assert (await upload(client, file(), format="csv")).status_code == 201
        left = [one["_id"] for one in await database["bank_imports"].find({}, {"_id": 1}).to_list(None)]
        assert min(ids) not in left
        assert max(ids) in left
        assert len(left) == 2


@pytest.mark.stack
async def test_bytes_are_about_what_a_preview_takes(mongo: str, tmp_path: Path) -> None:
    async with bank(mongo, tmp_path) as (client, database):
        await upload(client, file("长" * 900), format="csv")
        store = BankStore(database)
        [kept] = await store.previews(datetime.now(UTC))
        assert kept.who == "writer"
        assert 2_700 < kept.size_bytes < 4_000


def kept(who: str, count: int, size_bytes: int = 1) -> list[Kept]:
    return [Kept(f"{who}-{n:02}", who, size_bytes) for n in range(count)]


def test_each_key_has_its_own_bound() -> None:
    many = kept("east", BANK_PREVIEWS_OF_A_KEY_MAX)
    assert giving_way(many, Kept("new", "west", 1)) == []
    with pytest.raises(Conflict) as refused:
        giving_way(many, Kept("new", "east", 1))
    assert refused.value.code == "bank_previews_too_many"


def test_the_oldest_of_whoever_has_most_bytes_gives_way() -> None:
    large = kept("east", 15, 12 * MEGABYTE) + kept("west", 7, 10 * MEGABYTE)
    assert giving_way(large, Kept("new", "south", 8 * MEGABYTE)) == ["east-00"]
    assert giving_way(large, Kept("new", "west", 10 * MEGABYTE)) == ["east-00"]
    # Whoever has most gives way to itself.
    assert giving_way(large, Kept("new", "east", 9 * MEGABYTE)) == ["east-00"]
    assert giving_way(large, Kept("new", "south", 6 * MEGABYTE)) == []


def test_if_all_have_as_many_the_newcomers_own_gives_way() -> None:
    keys = BANK_PREVIEWS_MAX // BANK_PREVIEWS_OF_A_KEY_MAX * 2
    each = [one for key in range(keys) for one in kept(f"desk-{key:02}", BANK_PREVIEWS_MAX // keys)]
    assert giving_way(each, Kept("new", "desk-07", 1)) == ["desk-07-00"]
    assert giving_way(each, Kept("new", "nobody", 1)) == ["desk-00-00"]
