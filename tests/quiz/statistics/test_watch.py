"""The keys of a quiz under way are watched: a wrong one shows without anybody asking."""

import random

import pytest
from prometheus_client import REGISTRY

from services.quiz.quizzes.questions import Question
from services.quiz.statistics.watch import RESULTS_MIN, KeyWatch
from tests.quiz.statistics.builders import Answer, attempts_of, store
from tests.quiz.statistics.test_compute import Room, room, turns

pytestmark = pytest.mark.stack


def by_skill(questions: int) -> Answer:
    """Each person has a skill for the whole paper. Whoever knows q0 chooses C, and its key says A."""
    skills: list[float] = []

    def answer(of: Question, chance: random.Random) -> str:
        if len(asked) % questions == 0:
            skills.append(chance.random())
        asked.append(of.id)
        known = chance.random() < skills[-1]
        return ("C" if of.id == "q0" else "A") if known else chance.choice("BD")

    asked: list[str] = []
    return answer


def shown(quiz_id: str) -> float | None:
    return REGISTRY.get_sample_value("kepu_question_keys_doubted", {"quiz": quiz_id})


async def is_asked(of: Room, watch: KeyWatch) -> bool:
    await watch.turn()
    return (await of.statistics.state("watched")).due


async def add(of: Room, results: int, seed: int) -> None:
    answer = by_skill(sum(of.quiz.blueprint.values()))
    some = attempts_of(of.quiz, results, answer, seed=seed, quiz_id="watched")
    await store(some, of.stores.results, "watched")


async def test_a_wrong_key_shows_without_anybody_asking_and_no_more_after_the_close(mongo: str) -> None:
    async with room(mongo, "watched") as of:
        watch = KeyWatch(of.statistics, of.stores.results, of.catalogue)
        await add(of, RESULTS_MIN, 7)
        assert await is_asked(of, watch)
        assert shown("watched") == 0
        await turns(of.worker())
        assert not await is_asked(of, watch)
        assert shown("watched") == 1
        await of.close("watched")
        await watch.turn()
        assert shown("watched") is None


async def test_results_are_read_again_only_when_they_have_grown_by_half(mongo: str) -> None:
    async with room(mongo, "watched") as of:
        watch = KeyWatch(of.statistics, of.stores.results, of.catalogue)
        await add(of, RESULTS_MIN - 1, 7)
        assert not await is_asked(of, watch), "too few"
        await add(of, 1, 8)
        assert await is_asked(of, watch)
        await turns(of.worker())
        assert not await is_asked(of, watch), "just made"
        await add(of, RESULTS_MIN // 2 - 1, 9)
        assert not await is_asked(of, watch)
        await add(of, RESULTS_MIN // 4, 10)
        assert await is_asked(of, watch)
