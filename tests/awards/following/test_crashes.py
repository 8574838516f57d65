"""A worker that dies between any two steps leaves nothing out, says nothing wrong, and nothing twice."""

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any, TypeVar

import pytest

from services.awards.following.facts import FactsReader
from services.awards.following.follow import Follower
from services.awards.issued.store import AwardStore
from services.awards.issuing.handlers import ResultHandler
from services.awards.issuing.issue import Issuer
from services.awards.issuing.places import Places
from services.awards.issuing.touched import Touched
from services.awards.known.store import KnownStore
from services.awards.results.changes import ChangeStore
from services.awards.results.decisions import DecisionStore
from services.awards.results.store import ResultStore
from services.awards.schemes.store import SchemeStore, TieStore
from tests.awards.builders import (
    AWARD_KEY,
    certificate,
    closed,
    completed,
    decided,
    envelope,
    following,
    prizes,
    regraded,
    standing,
)
from tests.awards.parts import Happened, Parts, new_parts
from tests.support.service import batch_of, new_id

pytestmark = pytest.mark.stack
T = TypeVar("T")


class DiedError(Exception):
    """The worker is dead."""


class Mortal:
    """Stands before a store: the worker dies before or after one of its calls."""

    def __init__(self, store: Any, life: "Life") -> None:
        self._store = store
        self._life = life

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not iscoroutinefunction(found):
            return found

        async def call(*args: Any, **more: Any) -> Any:
            self._life.step()
            answer = await found(*args, **more)
            self._life.step()
            return answer

        return call


class Life:
    def __init__(self, steps: int) -> None:
        self.steps = steps

    def step(self) -> None:
        self.steps -= 1
        if self.steps == 0:
            raise DiedError


class Worker:
    """One worker of awards, whose stores may die."""

    def __init__(self, at: Parts, life: Life) -> None:
        def mortal(store: T) -> T:
            return Mortal(store, life)  # type: ignore[return-value]

        known: KnownStore = mortal(at.known)
        results: ResultStore = mortal(at.results)
        decisions: DecisionStore = mortal(at.decisions)
        changes: ChangeStore = mortal(at.changes)
        schemes: SchemeStore = mortal(at.schemes)
        awards: AwardStore = mortal(at.awards)
        issuer = Issuer(awards, schemes, known, changes, key=AWARD_KEY.encode())
        places = Places(awards, known, decisions, at.proposals.barred)
        touched = Touched(awards, places)
        self._handler = ResultHandler(
            known,
            results,
            decisions,
            changes,
            schemes,
            issuer,
            touched,
            mortal(TieStore(at.database)),
            at.notices.mark,
        )
        facts = FactsReader(results, decisions, schemes, places)
        self._changes = at.changes
        self._follower = Follower(known, facts, changes, schemes, awards, issuer, touched, at.notices.mark)

    async def handle(self, *events: Happened) -> None:
        await self._handler.issue_awards(batch_of(*[envelope(event) for event in events]))

    async def follow(self) -> None:
        while quizzes := await self._changes.quizzes("", 10):
            for quiz_id in quizzes:
                await self._follower.go_on(quiz_id)


async def until_done(at: Parts, work: Callable[[Worker], Awaitable[None]], dies_at: int) -> bool:
    """Do this work; a worker that dies is followed by one that lives. True if it died."""
    try:
        await work(Worker(at, Life(dies_at)))
    except DiedError:
        await work(Worker(at, Life(0)))
        return True
    return False


async def test_a_worker_that_dies_between_any_two_steps_leaves_no_award_wrong(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        for dies_at in range(1, 200):
            if not await played(at, dies_at):
                assert dies_at > 15
                return


async def played(at: Parts, dies_at: int) -> bool:
    """A history in which each worker dies at this step of each piece of work; True if one of them did."""
    quiz = new_id("quiz")
    fallen, barred, second = new_id("fallen"), new_id("barred"), new_id("second")
    schemes = following(certificate(quiz)), following(prizes(quiz, gold=1))
    first = completed(quiz, fallen, 61)
    batches: list[list[Happened]] = [
        [first, completed(quiz, barred, 90), completed(quiz, second, 50)],
        [closed(quiz, [standing(1, barred), standing(2, second)])],
        [regraded(first, 59), decided(quiz, barred)],
        [closed(quiz, [standing(1, second)], version=2)],
    ]
    died = False
    for of in schemes:
        await at.schemes.put(of)
    for batch in batches:
        died |= await until_done(at, lambda worker, some=batch: worker.handle(*some), dies_at)  # type: ignore[misc]
        died |= await until_done(at, lambda worker: worker.follow(), dies_at)
    await at.follow()
    awards = [award for of in schemes for award in (await at.issued(of)).values()]
    assert {(one.recipient_id, one.version, one.code) for one in awards} == {
        (second, 1, None),
        (fallen, 2, "not_earned"),
        (barred, 2, "disqualified"),
    }, dies_at
    assert [one.tier for one in awards if one.is_valid] == ["gold"]
    return died
