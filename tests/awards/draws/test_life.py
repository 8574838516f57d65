"""The life of a draw over a real database: draft, list, announcement, winners, awards, and what follows."""

from collections import Counter
from hashlib import sha256

import pytest

from services.awards.draws.lottery import draw as drawn_by
from services.awards.draws.lottery import read_list
from services.awards.draws.rules import SeedInput, holders
from services.awards.issuing.confer import confer_award
from services.awards.results.rules import Decision
from shared.runtime.errors import Conflict, NotFound, Rejected
from tests.awards.builders import certificate, completed, erased, published, scheme
from tests.awards.draws.builders import (
    LONG_AGO,
    PUBLIC,
    REVEALED,
    SECRET,
    WITNESS,
    DrawParts,
    draw,
    ids,
    lucky,
    new_draws,
    text_of,
)

pytestmark = pytest.mark.stack
NAMED = dict.fromkeys(ids(10), 1)


async def test_winners_are_those_of_the_published_list_and_seed(mongo: str) -> None:
    async with new_draws(mongo, piece_entrants_max=3) as [one]:
        named = {entrant: 1 + place % 3 for place, entrant in enumerate(ids(20))}
        drawing = await one.announced(draw("lucky"), named)
        text = await one.text(drawing)
        assert text == text_of(named)
        assert drawing.list_sha256 == sha256(text.encode()).hexdigest()
        assert (drawing.entrants, drawing.chances) == (20, sum(named.values()))
        held = await one.draws.hold(drawing.draw_id, REVEALED)
        assert held.seed == f"{SECRET}/"
        assert list(held.drawn) == drawn_by(read_list(text), drawing.list_sha256, f"{SECRET}/", 5)
        await one.work()
        assert await one.held("lucky") == dict(zip(held.drawn, ["一等", "二等", "二等"], strict=False))


async def test_awards_have_the_drawing_as_their_cause_and_come_once(mongo: str) -> None:
    async with new_draws(mongo) as [one]:
        drawing = await one.announced(draw("lucky"), NAMED)
        await one.draws.hold(drawing.draw_id, REVEALED)
        await one.work()
        awards = await one.awards("lucky")
        assert {award.cause for award in awards} == {drawing.drawing_id}
        await one.draws.hold(drawing.draw_id, REVEALED)
        await one.work()
        assert await one.awards("lucky") == awards


async def test_nothing_is_drawn_before_the_list_is_announced(mongo: str) -> None:
    async with new_draws(mongo) as [one]:
        of = await one.put(draw("lucky"), NAMED)
        with pytest.raises(NotFound, match="not announced"):
            await one.draws.hold(of.draw_id, REVEALED)


async def test_the_list_does_not_change_after_the_announcement(mongo: str) -> None:
    async with new_draws(mongo) as [one]:
        drawing = await one.announced(draw("lucky"), NAMED)
        before = await one.text(drawing)
        for act in (
            one.draws.name(drawing.draw_id, {"p999": 1}),
            one.draws.unname(drawing.draw_id),
            one.draws.put(draw("lucky", drawing.draw_id, reserves=1)),
        ):
            with pytest.raises(Conflict) as refused:
                await act
            assert refused.value.code == "draw_announced"
        await one.draws.freeze(drawing.draw_id)
        await one.work()
        assert await one.text(drawing) == before
        assert await one.store.drawing(drawing.draw_id, 1) == drawing


async def test_other_inputs_do_not_draw_again(mongo: str) -> None:
    numbers = [SeedInput(numbers=(3, 1, 9)), *REVEALED]
    async with new_draws(mongo) as [one]:
        drawing = await one.announced(draw("lucky", sources=[PUBLIC, WITNESS]), NAMED)
        await one.parts.database["drawings"].update_many({}, {"$set": {"sources.0.expected_at": LONG_AGO}})
        held = await one.draws.hold(drawing.draw_id, numbers)
        assert held.seed == f"1.3.9./{SECRET}/"
        assert await one.draws.hold(drawing.draw_id, [SeedInput(numbers=(9, 3, 1)), *REVEALED]) == held
        with pytest.raises(Conflict) as refused:
            await one.draws.hold(drawing.draw_id, [SeedInput(numbers=(3, 1, 8)), *REVEALED])
        assert refused.value.code == "draw_held"


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ([], "seed_incomplete"),
        ([SeedInput(numbers=(1,))], "seed_of_other_kind"),
        ([SeedInput(numbers=(1,), secret=SECRET)], "seed_of_other_kind"),
        ([SeedInput(secret="0" * 32)], "secret_differs"),
    ],
)
async def test_inputs_are_those_of_the_sources(mongo: str, inputs: list[SeedInput], code: str) -> None:
    async with new_draws(mongo) as [one]:
        drawing = await one.announced(draw("lucky"), NAMED)
        with pytest.raises(Rejected) as refused:
            await one.draws.hold(drawing.draw_id, inputs)
        assert refused.value.code == code


async def test_a_public_source_is_named_before_and_drawn_after(mongo: str) -> None:
    late = PUBLIC | {"expected_at": LONG_AGO.isoformat()}
    async with new_draws(mongo) as [one]:
        with pytest.raises(Rejected) as passed:
            await one.put(draw("lucky", sources=[late]), NAMED)
        assert passed.value.code == "source_time_passed"
        drawing = await one.announced(draw("lucky", sources=[PUBLIC]), NAMED)
        with pytest.raises(Conflict) as ahead:
            await one.draws.hold(drawing.draw_id, [SeedInput(numbers=(1,))])
        assert ahead.value.code == "source_time_ahead"


async def test_a_list_that_is_made_too_late_for_its_source_is_not_announced(mongo: str) -> None:
    async with new_draws(mongo) as [one]:
        of = await one.put(draw("lucky", sources=[PUBLIC]), NAMED)
        await one.draws.freeze(of.draw_id)
        passed = {"$set": {"definition.sources.0.expected_at": LONG_AGO}}
        await one.parts.database["draws"].update_one({"_id": of.draw_id}, passed)
        await one.work()
        kept = await one.store.get(of.draw_id)
        assert (kept.state, kept.failed) == ("draft", "source_time_passed")
        assert await one.store.drawing(of.draw_id, 1) is None
        assert await one.parts.database["draw_lists"].count_documents({}) == 0


async def test_a_list_of_nobody_is_not_announced(mongo: str) -> None:
    async with new_draws(mongo) as [one]:
        of = await one.put(draw("lucky"))
        await one.draws.freeze(of.draw_id)
        await one.work()
        assert (await one.store.get(of.draw_id)).failed == "entrants_missing"


async def test_the_erased_the_excluded_the_unknown_and_winners_are_left_out(mongo: str) -> None:
    async with new_draws(mongo) as [one]:
        flag = scheme("flag")
        await one.parts.put(flag)
        await one.parts.know(published("quiz"))
        await one.put(draw("lucky", "draw", winners_of=["flag"], excluded=["p003"]), NAMED)
        await one.draws.name("draw", {"stranger": 9})
        await confer_award(
            "flag", "p004", None, schemes=one.parts.schemes, known=one.parts.known, issuer=one.parts.issuer
        )
        await one.parts.know(erased("p005"))
        drawing = await one.freeze("draw")
        assert await one.text(drawing) == text_of(dict.fromkeys({*ids(10)} - {"p003", "p004", "p005"}, 1))
        assert drawing.left_out == {"unknown": 1, "has_won": 1, "excluded": 1, "erased": 1}


async def test_participants_of_a_quiz_have_the_chances_that_they_earned(mongo: str) -> None:
    async with new_draws(mongo, piece_entrants_max=2) as [one]:
        quiz = "contest"
        await one.parts.know(published(quiz))
        day = LONG_AGO.replace(hour=3)
        results = [
            completed(quiz, "li", 80, completed_at=day),
            completed(quiz, "li", 80, completed_at=day.replace(hour=5)),
            # 01:00 of the next day in China.
            completed(quiz, "li", 80, completed_at=day.replace(hour=17)),
            completed(quiz, "wang", 40, completed_at=day),
            completed(quiz, "zhao", 60, completed_at=day),
            completed(quiz, "cheat", 99, completed_at=day),
            completed(quiz, "half", 99, completed_at=day),
            completed(quiz, "half", 99, completed_at=day),
            completed("other", "qian", 99, completed_at=day),
        ]
        await one.parts.handle(*results)
        cheat = Decision(quiz, "cheat", 1, disqualified=True)
        half = Decision(quiz, "half", 1, False, frozenset({results[6].result_id}))
        await one.parts.decisions.keep([cheat, half])
        expected = {
            ("person", 1): {"li": 1, "zhao": 1, "half": 1},
            ("day", 9): {"li": 2, "zhao": 1, "half": 1},
            ("attempt", 9): {"li": 3, "zhao": 1, "half": 1},
            ("attempt", 2): {"li": 2, "zhao": 1, "half": 1},
        }
        for number, ((per, most), chances) in enumerate(expected.items()):
            rule = {"type": "participants", "quiz_id": quiz, "score_percent": 60}
            rule |= {"chances_per": per, "chances_max": most}
            witness = WITNESS | {"sha256": sha256(str(number).encode()).hexdigest()}
            of = draw(f"lucky-{number}", entrants=rule, sources=[witness])
            drawing = await one.announced(of)
            assert await one.text(drawing) == text_of(chances), (per, most)


async def test_the_next_reserve_moves_up_for_one_who_is_not_entitled(mongo: str) -> None:
    async with new_draws(mongo) as [one]:
        drawing = await one.announced(draw("lucky"), NAMED)
        first, second, third, fourth, fifth = (await one.draws.hold(drawing.draw_id, REVEALED)).drawn
        await one.work()
        await one.draws.move(drawing.draw_id, fourth, "工作人员")
        moved = await one.draws.move(drawing.draw_id, first, "工作人员")
        assert await one.draws.move(drawing.draw_id, first, "又一次") == moved
        await one.work()
        assert await one.held("lucky") == {fifth: "一等", second: "二等", third: "二等"}
        [taken] = [award for award in await one.awards("lucky") if not award.is_valid]
        assert (taken.recipient_id, taken.code, taken.reason) == (first, "not_entitled", "工作人员")
        await one.draws.move(drawing.draw_id, second, "没有候补")
        await one.work()
        assert await one.held("lucky") == {fifth: "一等", third: "二等"}
        with pytest.raises(Rejected) as nobody:
            await one.draws.move(drawing.draw_id, next(iter(set(NAMED) - set(moved.drawn))), "没有抽中")
        assert nobody.value.code == "entrant_not_drawn"


async def test_a_draw_that_is_held_again_takes_the_awards_back_and_shows_why(mongo: str) -> None:
    async with new_draws(mongo) as [one]:
        drawing = await one.announced(draw("lucky", "draw"), NAMED)
        before = await one.draws.hold("draw", REVEALED)
        await one.work()
        await one.draws.again("draw", 1, "名单有误")
        await one.draws.again("draw", 1, "名单有误")
        await one.work()
        assert await one.held("lucky") == {}
        assert {(award.code, award.reason) for award in await one.awards("lucky")} == {
            ("drawn_again", "名单有误")
        }
        with pytest.raises(Conflict) as used:
            await one.draws.freeze("draw")
        assert used.value.code == "commitment_used"
        another = "another-secret".replace("-", "0") * 3
        witness = WITNESS | {"sha256": sha256(another.encode()).hexdigest()}
        await one.draws.put(draw("lucky", "draw", sources=[witness]))
        await one.freeze("draw")
        after = await one.draws.hold("draw", [SeedInput(secret=another)])
        await one.work()
        assert (after.number, after.list_sha256) == (2, drawing.list_sha256)
        assert await one.held("lucky") == dict(zip(after.drawn, ["一等", "二等", "二等"], strict=False))
        # Whoever won both times has the same award, with the next versions.
        both = set(before.drawn[:3]) & set(after.drawn[:3])
        versions = {award.recipient_id: award.version for award in await one.awards("lucky")}
        assert both
        assert all(versions[winner] == 3 for winner in both)
        stays = await one.store.drawing("draw", 1)
        assert stays is not None
        assert (stays.drawn, stays.replaced_because) == (before.drawn, "名单有误")


async def test_a_scheme_belongs_to_one_draw_and_its_awards_come_from_the_draw_alone(mongo: str) -> None:
    async with new_draws(mongo) as [one]:
        await one.put(draw("lucky", "draw"), NAMED)
        with pytest.raises(Conflict) as other:
            await one.draws.put(draw("lucky", "another"))
        assert other.value.code == "scheme_of_other_draw"
        with pytest.raises(Rejected) as applied:
            await one.parts.apply(lucky("lucky"))
        assert applied.value.code == "scheme_drawn"
        with pytest.raises(Rejected) as conferred:
            await one.parts.confer(lucky("lucky"), "p001")
        assert conferred.value.code == "scheme_not_conferred"
        await one.parts.know(published("quiz"))
        await one.parts.put(of := certificate("quiz"))
        with pytest.raises(Rejected) as not_drawn:
            await one.draws.put(draw(of.scheme_id))
        assert not_drawn.value.code == "scheme_not_drawn"


async def test_the_erased_get_nothing_and_what_was_written_about_them_goes(mongo: str) -> None:
    async with new_draws(mongo) as [one]:
        drawing = await one.announced(draw("lucky", "draw", excluded=["p000"]), NAMED)
        # Erased after the announcement: the list stays, and the next reserve has the place at once.
        expected = await winners(one, drawing.list_id)
        await one.erase(expected[0])
        held = await one.draws.hold("draw", REVEALED)
        await one.work()
        assert [move.code for move in held.moved] == ["erased"]
        assert await one.held("lucky") == holders(drawing.prizes, held.drawn, [expected[0]])
        await one.draws.move("draw", expected[1], "李小明的亲属")
        await one.work()
        await one.erase(expected[1], "p000")
        stored = await one.store.drawing("draw", 1)
        assert stored is not None
        assert Counter(move.reason for move in stored.moved) == {None: 2}
        assert expected[1] in stored.drawn
        assert "p000" not in str(await one.parts.database["draws"].find_one({}))
        assert await one.parts.database["draw_named"].count_documents({"_id": "draw/p000"}) == 0
        assert all(award.reason is None for award in await one.awards("lucky"))


async def winners(one: DrawParts, list_id: str) -> list[str]:
    text = "".join([piece async for piece in one.store.texts(list_id)])
    return drawn_by(read_list(text), sha256(text.encode()).hexdigest(), f"{SECRET}/", 5)
