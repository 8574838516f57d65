"""Files of the bank take turns: many files of one key keep no other key out."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.quiz.bank.turns import BANK_FILES_OF_A_KEY_MAX, BANK_FILES_WAITING_MAX, BankTurns
from services.quiz.formats.write import write_file
from shared.runtime.errors import Overloaded
from shared.web.paced import OF_ONE_MAX
from tests.quiz.bank.builders import REVIEWER, WRITER, bank, upload
from tests.quiz.formats.builders import written
from tests.support.waiting import eventually

QUESTIONS = 1_000


@pytest.mark.stack
async def test_a_key_with_many_files_under_way_keeps_no_other_key_out(mongo: str, tmp_path: Path) -> None:
    content = await write_file([written(f"q{n}", text=f"第{n}题？") for n in range(QUESTIONS)], "gift")
    async with bank(mongo, tmp_path) as (client, _):
        # One is read, and more wait than may.
        many = [
            asyncio.create_task(upload(client, content, format="gift"))
            for _ in range(BANK_FILES_OF_A_KEY_MAX + 2)
        ]
        await eventually(lambda: any(one.done() for one in many))
        other = asyncio.create_task(upload(client, content, REVIEWER, format="gift"))
        assert (await other).status_code == 201
        # It had the next turn or the one after it.
        answers = [one.result() for one in many if one.done()]
        assert sum(answer.is_success for answer in answers) <= 2
        codes = [answer.status_code for answer in await asyncio.gather(*many)]
        assert sorted(codes) == [201] * (BANK_FILES_OF_A_KEY_MAX + 1) + [503]


@pytest.mark.stack
@pytest.mark.parametrize("path", ["/bank/questions", "/bank/topics"])
async def test_searches_of_a_key_keep_another_one_waiting_for_one_turn(
    mongo: str, tmp_path: Path, path: str
) -> None:
    answered: list[str] = []
    async with bank(mongo, tmp_path) as (client, _):

        async def ask(name: str, headers: dict[str, str]) -> httpx.Response:
            answer = await client.get(path, headers=headers)
            if answer.is_success:
                answered.append(name)
            return answer

        transport: Any = client._transport
        turns: BankTurns = transport.app.state.provided[BankTurns]
        async with turns.search("somebody"):
            many = [asyncio.create_task(ask("writer", WRITER)) for _ in range(OF_ONE_MAX + 2)]
            await eventually(lambda: sum(one.done() for one in many) == 2)
            other = asyncio.create_task(ask("reviewer", REVIEWER))
            await eventually(lambda: "reviewer" in str(turns._searching._under_way))
        assert (await other).status_code == 200
        codes = [answer.status_code for answer in await asyncio.gather(*many)]
        assert sorted(codes) == [200] * OF_ONE_MAX + [503] * 2
        assert answered.index("reviewer") <= 1


async def wait(turns: BankTurns, who: str, order: list[str]) -> None:
    async with turns.turn_with_file(who):
        order.append(who)


async def test_the_last_file_of_whoever_has_most_gives_way() -> None:
    turns, order = BankTurns(), list[str]()
    keys = [f"desk-{n}" for n in range(BANK_FILES_WAITING_MAX // BANK_FILES_OF_A_KEY_MAX)]
    async with turns.turn("somebody"):
        waiting = [
            asyncio.create_task(wait(turns, who, order))
            for who in keys
            for _ in range(BANK_FILES_OF_A_KEY_MAX)
        ]
        await asyncio.sleep(0)
        # A key that has as many as it may.
        with pytest.raises(Overloaded, match="your other files"):
            await wait(turns, keys[0], order)
        new = asyncio.create_task(wait(turns, "new", order))
        await eventually(lambda: any(one.done() for one in waiting))
        gone = [place for place, one in enumerate(waiting) if one.done()]
        assert gone == [BANK_FILES_OF_A_KEY_MAX - 1]
        with pytest.raises(Overloaded):
            await waiting[gone[0]]
    await asyncio.gather(new, *waiting, return_exceptions=True)
    assert order.count("new") == 1
    assert order.index("new") <= len(keys)
    assert len(order) == BANK_FILES_WAITING_MAX
    # No place is lost.
    async with turns.turn("somebody"):
        again = [asyncio.create_task(wait(turns, "new", order)) for _ in range(BANK_FILES_OF_A_KEY_MAX)]
    await asyncio.gather(*again)


async def test_if_all_wait_with_one_file_nobody_gives_way() -> None:
    turns, order = BankTurns(), list[str]()
    async with turns.turn("somebody"):
        waiting = [
            asyncio.create_task(wait(turns, f"desk-{n}", order)) for n in range(BANK_FILES_WAITING_MAX)
        ]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="too many"):
            await wait(turns, "new", order)
    await asyncio.gather(*waiting)


async def test_whoever_goes_away_frees_the_place() -> None:
    turns, order = BankTurns(), list[str]()
    async with turns.turn("somebody"):
        waiting = [asyncio.create_task(wait(turns, "desk", order)) for _ in range(BANK_FILES_OF_A_KEY_MAX)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.gather(waiting[0], return_exceptions=True)
        waiting.append(asyncio.create_task(wait(turns, "desk", order)))
        await asyncio.sleep(0)
    await asyncio.gather(*waiting, return_exceptions=True)
    assert len(order) == BANK_FILES_OF_A_KEY_MAX
