"""Awards after a public notice: proposed, published, objected, decided, confirmed, issued."""

import asyncio
from collections.abc import Collection

import pytest

from services.awards.known.store import KnownStore
from services.awards.objections.rules import Subject
from services.awards.proposals.propose import Named
from services.awards.proposals.rules import Notice
from services.awards.schemes.rules import Scheme
from shared.runtime.errors import Conflict, NotFound, Rejected
from shared.storage.unit_of_work import UnitOfWork
from tests.awards.builders import (
    certificate,
    completed,
    decided,
    erased,
    following,
    joined,
    next_in_rank,
    noticed,
    prizes,
    regraded,
    scheme,
)
from tests.awards.parts import Parts, new_parts
from tests.awards.proposals.played import (
    close,
    end_and_issue,
    end_notice,
    object_to,
    published_awards,
    published_objections,
    tiers,
    told,
)
from tests.support.service import new_id

pytestmark = pytest.mark.stack


async def notice_of(at: Parts, of: Scheme) -> Notice:
    return await at.notices.get(of.scheme_id)


async def test_what_is_due_is_proposed_at_the_close_and_nothing_is_issued(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        quiz = new_id("quiz")
        mark, places = noticed(certificate(quiz)), noticed(prizes(quiz, gold=1, silver=1))
        for of in (mark, places):
            await at.schemes.put(of)
        await at.handle(completed(quiz, "a", 90), completed(quiz, "b", 70), completed(quiz, "c", 10))
        assert await at.advance() == 0
        assert await at.proposed(mark) == {}
        await close(at, quiz, "a", "b", "c")
        assert await tiers(at, mark) == {"a": None, "b": None}
        assert await tiers(at, places) == {"a": "gold", "b": "silver"}
        assert await at.issued(mark) == await at.issued(places) == {}
        assert await told(at) == []


async def test_a_published_notice_is_told_and_its_awards_come_only_after_its_end(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        quiz = new_id("quiz")
        of = noticed(prizes(quiz, gold=1, silver=1))
        await at.schemes.put(of)
        await close(at, quiz, "a", "b", "c")
        notice = await at.publish(of)
        assert notice.ends_at is not None
        assert notice.published_at is not None
        assert (notice.ends_at - notice.published_at).days == 7
        assert await at.publish(of) == await notice_of(at, of)
        await at.advance()
        assert sorted(await told(at)) == [("a", 1, "proposed"), ("b", 1, "proposed")]
        with pytest.raises(Conflict) as refused:
            await at.confirm(of, 1)
        assert refused.value.code == "notice_running"
        assert await at.issued(of) == {}
        await end_and_issue(at, of)
        assert {one: award.tier for one, award in (await at.issued(of)).items()} == {
            "a": "gold",
            "b": "silver",
        }
        assert sorted(await published_awards(at)) == ["a", "b"]
        assert (await notice_of(at, of)).status(notice.ends_at) == "final"
        # Again: nothing happens twice.
        await at.confirm(of, 1)
        await at.advance()
        assert sorted(await published_awards(at)) == ["a", "b"]


async def test_whoever_is_left_out_after_an_objection_gets_nothing(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        quiz = new_id("quiz")
        of = noticed(prizes(quiz, gold=1, silver=1))
        await at.schemes.put(of)
        await close(at, quiz, "a", "b", "c")
        await at.publish(of)
        await at.advance()
        objection = await object_to(at, of, "a")
        assert (await object_to(at, of, "a")) == objection
        other = await object_to(at, of, "b")
        await end_notice(at, of)
        with pytest.raises(Conflict) as refused:
            await at.confirm(of, 1)
        assert refused.value.code == "objections_undecided"
        upheld = await at.objecting.decide(of.scheme_id, objection.objection_id, "upheld", "属实")
        assert upheld == await at.objecting.decide(of.scheme_id, objection.objection_id, "upheld", "属实")
        await at.objecting.decide(of.scheme_id, other.objection_id, "dismissed", "不属实")
        with pytest.raises(Conflict) as refused:
            await at.objecting.decide(of.scheme_id, objection.objection_id, "dismissed", "…")
        assert refused.value.code == "objection_decided"
        with pytest.raises(Conflict) as refused:
            await at.confirm(of, 1)
        assert refused.value.code == "notice_differs"
        await at.confirm(of, 2)
        await at.advance()
        assert await tiers(at, of) == {"a": "objection", "b": "silver"}
        assert [*await at.issued(of)] == ["b"]
        assert ("a", 2, "objection") in await told(at)
        assert await published_objections(at) == [
            ("a", 1, "made"),
            ("b", 1, "made"),
            ("a", 2, "upheld"),
            ("b", 2, "dismissed"),
        ]


@pytest.mark.parametrize(
    ("follows", "expected"),
    [
        (False, {"a": "objection", "b": "silver", "c": "silver"}),
        (True, {"a": "objection", "b": "gold", "c": "silver"}),
    ],
)
async def test_the_next_in_rank_moves_up_and_has_the_whole_time_too(
    mongo: str, follows: bool, expected: dict[str, str]
) -> None:
    async with new_parts(mongo) as [at]:
        quiz = new_id("quiz")
        of = noticed(next_in_rank(prizes(quiz, gold=1, silver=1)))
        of = following(of) if follows else of
        await at.schemes.put(of)
        await close(at, quiz, "a", "b", "c", "d")
        await at.publish(of)
        await at.advance()
        objection = await object_to(at, of, "a")
        await end_notice(at, of)
        await at.objecting.decide(of.scheme_id, objection.objection_id, "upheld", "属实")
        await at.advance()
        assert await tiers(at, of) == expected
        # The new one is shown for the whole time too.
        with pytest.raises(Conflict) as refused:
            await at.confirm(of, (await notice_of(at, of)).version)
        assert refused.value.code == "notice_running"
        await end_and_issue(at, of)
        assert {one: award.tier for one, award in (await at.issued(of)).items()} == {
            one: tier for one, tier in expected.items() if one != "a"
        }


async def test_a_change_of_results_changes_the_notice_visibly(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        quiz = new_id("quiz")
        of = noticed(certificate(quiz))
        await at.schemes.put(of)
        results = {one: completed(quiz, one, points) for one, points in (("a", 70), ("b", 70), ("c", 50))}
        await at.handle(*results.values())
        await close(at, quiz)
        await at.publish(of)
        await at.advance()
        before = await notice_of(at, of)
        await at.handle(regraded(results["a"], 50))
        await at.advance()
        after = await notice_of(at, of)
        assert (after.version, after.ends_at) == (2, before.ends_at)
        assert await tiers(at, of) == {"a": "not_earned", "b": None}
        await at.handle(decided(quiz, "b"), regraded(results["c"], 65))
        await at.advance()
        later = await notice_of(at, of)
        assert before.ends_at is not None
        assert later.ends_at is not None
        assert later.version == 3
        assert later.ends_at > before.ends_at
        assert await tiers(at, of) == {"a": "not_earned", "b": "disqualified", "c": None}
        assert {one: entry.since for one, entry in (await at.proposed(of)).items()} == {
            "a": 2,
            "b": 3,
            "c": 3,
        }
        # Earned again.
        await at.handle(regraded(results["a"], 80, before=50, version=3))
        await at.advance()
        assert (await tiers(at, of))["a"] is None
        assert [said for said in await told(at) if said[0] == "a"] == [
            ("a", 1, "proposed"),
            ("a", 2, "not_earned"),
            ("a", 3, "proposed"),
        ]
        await end_and_issue(at, of)
        assert sorted(await at.issued(of)) == ["a", "c"]


async def test_nothing_is_confirmed_while_it_is_not_certain_who_is_due(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        quiz = new_id("quiz")
        of = noticed(certificate(quiz))
        await at.schemes.put(of)
        result = completed(quiz, "a", 70)
        await at.handle(result)
        await close(at, quiz)
        await at.publish(of)
        await at.advance()
        await end_notice(at, of)
        await at.handle(regraded(result, 50))
        with pytest.raises(Conflict) as refused:
            await at.confirm(of, 1)
        assert refused.value.code == "proposals_under_way"
        await at.advance()
        with pytest.raises(Conflict) as refused:
            await at.confirm(of, 1)
        assert refused.value.code == "notice_differs"


async def test_a_scheme_may_confirm_its_notice_itself(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        quiz = new_id("quiz")
        of = noticed(prizes(quiz, gold=1), confirm="automatic")
        await at.schemes.put(of)
        await close(at, quiz, "a", "b")
        await at.publish(of)
        await at.advance()
        objection = await object_to(at, of, "a")
        await at.database["notices"].update_one(
            {"_id": of.scheme_id},
            {"$set": {"ends_at": (await notice_of(at, of)).published_at}, "$inc": {"turn": 1}},
        )
        await at.advance()
        assert await at.issued(of) == {}
        await at.objecting.decide(of.scheme_id, objection.objection_id, "dismissed", "不属实")
        await at.advance()
        assert [*await at.issued(of)] == ["a"]


async def test_recipients_whom_an_organiser_names_are_proposed_too(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        of = noticed(scheme())
        await at.schemes.put(of)
        await at.know(joined("a"), joined("b"), joined("gone"))
        await at.know(erased("gone"))
        with pytest.raises(Conflict) as refused:
            await at.confer(of, "a")
        assert refused.value.code == "scheme_after_notice"
        named = [Named("a", "a note"), Named("b"), Named("nobody"), Named("gone")]
        for outcome in ("proposed", "existing"):
            done = await at.conferring.confer(of.scheme_id, named, allow_unknown=False)
            assert [(one.what, one.refusal and one.refusal.code) for one in done] == [
                (outcome, None),
                (outcome, None),
                ("refused", "recipient_unknown"),
                ("refused", "participant_erased"),
            ]
        await at.publish(of)
        await at.advance()
        await end_and_issue(at, of)
        issued = await at.issued(of)
        assert {one: award.note for one, award in issued.items()} == {"a": "a note", "b": None}
        # Others follow in a notice of their own.
        with pytest.raises(Conflict) as refused:
            await at.publish(of)
        assert refused.value.code == "nobody_proposed"
        await at.conferring.confer(of.scheme_id, [Named("nobody")], allow_unknown=True)
        assert (await at.publish(of)).version == 2
        await at.advance()
        assert len(await at.issued(of)) == 2
        await end_and_issue(at, of)
        assert sorted(await at.issued(of)) == ["a", "b", "nobody"]
        assert len(await published_awards(at)) == 3


async def test_many_are_conferred_on_at_once(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        of = scheme()
        await at.schemes.put(of)
        people = [new_id("p") for _ in range(700)]
        await at.know(*[joined(one) for one in people])
        named = [Named(one) for one in people]
        one, other = await asyncio.gather(
            *[at.conferring.confer(of.scheme_id, named, allow_unknown=False) for _ in range(2)]
        )
        assert sum(each.what == "issued" for each in (*one, *other)) == 700
        assert len(await at.issued(of)) == len(await published_awards(at)) == 700
        of_quiz = certificate(new_id("quiz"))
        await at.schemes.put(of_quiz)
        with pytest.raises(Rejected) as refused:
            await at.conferring.confer(of_quiz.scheme_id, named, allow_unknown=False)
        assert refused.value.code == "scheme_not_conferred"


async def test_objections_are_made_in_time_against_who_is_proposed_and_are_few(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        quiz = new_id("quiz")
        of = noticed(prizes(quiz, gold=7))
        await at.schemes.put(of)
        await close(at, quiz, *[f"p{number}" for number in range(7)])
        with pytest.raises(Conflict) as refused:
            await object_to(at, of, "p0")
        assert refused.value.code == "notice_unpublished"
        await at.publish(of)
        with pytest.raises(NotFound) as unknown:
            await object_to(at, of, "nobody")
        assert unknown.value.code == "not_in_notice"
        for number in range(5):
            await object_to(at, of, f"p{number}")
        with pytest.raises(Conflict) as refused:
            await object_to(at, of, "p5")
        assert refused.value.code == "too_many_objections"
        await end_notice(at, of)
        with pytest.raises(Conflict) as refused:
            await object_to(at, of, "p5", by="another")
        assert refused.value.code == "notice_ended"


async def test_nothing_is_left_of_the_erased(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        of = noticed(scheme())
        await at.schemes.put(of)
        await at.know(joined("a"), joined("b"))
        named = [Named("a", "a note"), Named("b", "a note")]
        await at.conferring.confer(of.scheme_id, named, allow_unknown=False)
        await at.publish(of)
        await at.advance()
        objection = await object_to(at, of, "b")
        await at.know(erased("a"), erased("objector"))
        assert [*await at.proposed(of)] == ["b"]
        [left] = await at.objections.page(Subject(of.scheme_id), "", 10)
        assert (left.objector_id, left.words) == (None, None)
        decided_now = await at.objecting.decide(of.scheme_id, objection.objection_id, "dismissed", "不属实")
        assert decided_now.outcome == "dismissed"
        await end_and_issue(at, of)
        assert [*await at.issued(of)] == ["b"]


async def test_whoever_is_erased_while_a_notice_is_issued_gets_nothing_and_no_note_stays(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        of = noticed(scheme())
        await at.schemes.put(of)
        await at.know(joined("a"), joined("b"))
        named = [Named("a", "a note"), Named("b", "a note")]
        await at.conferring.confer(of.scheme_id, named, allow_unknown=False)
        await at.publish(of)
        await at.advance()
        await end_notice(at, of)
        await at.confirm(of, (await at.notices.get(of.scheme_id)).version)

        class ErasedMeanwhile(KnownStore):
            async def erased(
                self, participant_ids: Collection[str], unit: UnitOfWork | None = None
            ) -> set[str]:
                found = await super().erased(participant_ids, unit)
                await at.know(erased("a"))
                return found

        await Parts(at.database, known=ErasedMeanwhile(at.database)).advance()
        assert [*await at.issued(of)] == [*await at.proposed(of)] == ["b"]
        assert await published_awards(at) == ["b"]


async def test_a_scheme_that_is_put_after_the_close_is_looked_at_when_an_organiser_asks(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        quiz = new_id("quiz")
        of = noticed(certificate(quiz))
        await at.handle(completed(quiz, "a", 90))
        await at.schemes.put(of)
        with pytest.raises(Conflict) as refused:
            await at.look_again(of)
        assert refused.value.code == "quiz_not_closed"
        await at.handle(completed(quiz, "b", 90))
        at_once = certificate(quiz)
        await at.schemes.put(at_once)
        with pytest.raises(Conflict) as refused:
            await at.look_again(at_once)
        assert refused.value.code == "scheme_at_once"
        await close(at, quiz)
        await at.look_again(of)
        await at.advance()
        assert sorted(await at.proposed(of)) == ["a", "b"]
        with pytest.raises(Conflict) as refused:
            await at.apply(of)
        assert refused.value.code == "scheme_after_notice"


async def test_an_upheld_objection_stays_whatever_changes_and_nobody_else_issues(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        quiz = new_id("quiz")
        of = noticed(certificate(quiz))
        await at.schemes.put(of)
        results = {one: completed(quiz, one, points) for one, points in (("a", 70), ("b", 50))}
        await at.handle(*results.values())
        await close(at, quiz)
        await at.publish(of)
        await at.advance()
        objection = await object_to(at, of, "a")
        await at.objecting.decide(of.scheme_id, objection.objection_id, "upheld", "属实")
        await at.handle(regraded(results["b"], 65), regraded(results["a"], 90))
        await at.advance()
        assert await tiers(at, of) == {"a": "objection", "b": None}
        # Whoever compares awards with results leaves it to the notice, too.
        await at.changes.mark([(quiz, "a"), (quiz, "b")])
        await at.follow()
        assert await at.issued(of) == {}
        await end_and_issue(at, of)
        assert [*await at.issued(of)] == ["b"]
