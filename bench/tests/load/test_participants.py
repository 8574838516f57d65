"""Participants: start, think, submit, wait for the result."""

import asyncio
import platform
from collections import Counter
from itertools import count, pairwise
from pathlib import Path
from time import monotonic

import pytest

from bench.load.client import Plan
from bench.tests.load.plans import latency, ran, tokens, written, yes
from bench.tests.load.quiz import QUESTIONS, TinyQuiz, paper
from bench.tests.load.server import Asked, Reply, http, serving

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="the client uses epoll")


async def test_a_sitting_starts_submits_and_waits_for_its_result(tmp_path: Path) -> None:
    quiz = TinyQuiz()
    noted = tmp_path / "acknowledged"
    async with serving(quiz.answer) as server:
        load = await ran(
            Plan(
                targets=(server.target,),
                participants=tokens(tmp_path, 40),
                quiz="contest",
                watch=4,
                acknowledged=noted,
                connections=8,
                letters="AC",
            )
        )
    assert sorted(quiz.participants.values()) == sorted(f"token.of-{number}" for number in range(40))
    assert all(set(answers) == set(QUESTIONS) for answers in quiz.answers.values())
    assert {letter for answers in quiz.answers.values() for letter in answers.values()} == {"A", "C"}
    assert len({tuple(answers.items()) for answers in quiz.answers.values()}) > 4
    assert load.steps["start"].by_status == {201: 40}
    assert load.steps["submit"].by_status == {202: 40}
    assert load.steps["result_wait"].count == 10
    assert load.steps["result_get"].by_status == {200: 30}
    # Two polls of 25 ms after the first.
    assert latency(load.steps["result_wait"]).p50 >= 49
    assert sorted(noted.read_text().splitlines()) == sorted(
        f"{attempt}\treceipt-of-{attempt}" for attempt in quiz.answers
    )


async def test_the_same_seed_gives_the_same_answers(tmp_path: Path) -> None:
    given = []
    for seed in (7, 7, 8):
        quiz = TinyQuiz()
        async with serving(quiz.answer) as server:
            await ran(
                Plan(
                    targets=(server.target,),
                    participants=tokens(tmp_path, 20),
                    quiz="contest",
                    seed=seed,
                    connections=1,
                )
            )
        given.append(quiz.answers)
    assert given[0] == given[1] != given[2]


async def test_who_thinks_holds_no_connection(tmp_path: Path) -> None:
    quiz = TinyQuiz()
    async with serving(quiz.answer) as server:
        began = monotonic()
        await ran(
            Plan(
                targets=(server.target,),
                participants=tokens(tmp_path, 20),
                quiz="contest",
                think_ms=300,
                connections=1,
            )
        )
        took = monotonic() - began
    starts = [asked.at for asked in server.asked if asked.path.endswith("/attempts")]
    submissions = [asked.at for asked in server.asked if asked.path.endswith("/submission")]
    assert len(starts) == len(submissions) == 20
    assert all(then - before >= 0.299 for before, then in zip(starts, submissions, strict=True))
    assert took < 2


BAD_PAPERS: dict[str, object] = {
    "a list": [],
    "nothing": {},
    "no questions": paper("a", ()),
    "no attempt": {"attempt_token": "t", "questions": [{"id": "q1"}]},
    "an id that would end the line": paper("a\r\nX: y"),
    "an id that is too long": paper("a" * 65),
    "a question without id": {**paper("a"), "questions": [{"options": [{"id": "A"}]}]},
    "a question that is none": {**paper("a"), "questions": [1, 2]},
    "questions that are none": {**paper("a"), "questions": "q1"},
    "too many questions": paper("a", [f"q{number}" for number in range(201)]),
    "a token that is too long": {**paper("a"), "attempt_token": "t" * 2049},
    "a token that is none": {**paper("a"), "attempt_token": None},
}


@pytest.mark.parametrize("body", BAD_PAPERS.values(), ids=BAD_PAPERS)
async def test_a_paper_that_is_none_is_counted(tmp_path: Path, body: object) -> None:
    async def bad(_: Asked) -> Reply:
        return http(201, body)

    async with serving(bad) as server:
        load = await ran(Plan(targets=(server.target,), participants=tokens(tmp_path, 2), quiz="contest"))
    assert load.steps["start"].failed == {"answer": 2}
    assert len(server.asked) == 2


async def test_a_paper_cut_off_anywhere_is_counted(tmp_path: Path) -> None:
    whole = http(201, paper("a", ["q1"])).partition(b"\r\n\r\n")[2]
    lengths = count()

    async def cut(_: Asked) -> Reply:
        body = whole[: next(lengths)]
        return b"HTTP/1.1 201 Created\r\ncontent-length: %d\r\n\r\n" % len(body) + body

    async with serving(cut) as server:
        plan = Plan(targets=(server.target,), participants=tokens(tmp_path, len(whole)), quiz="contest")
        load = await ran(plan)
    assert load.steps["start"].failed == {"answer": len(whole)}


async def test_the_largest_paper_is_answered(tmp_path: Path) -> None:
    questions = [f"{number:03}" + "q" * 61 for number in range(200)]
    submitted: list[bytes] = []

    async def largest(asked: Asked) -> Reply:
        if asked.path.endswith("/attempts"):
            return http(201, {**paper("a" * 64), "attempt_token": "t" * 2048} | _only_ids(questions))
        submitted.append(asked.body)
        return http(202, {"receipt_id": "r", "attempt_id": "a" * 64})

    async with serving(largest) as server:
        load = await ran(Plan(targets=(server.target,), participants=tokens(tmp_path, 3), quiz="q" * 64))
    assert load.steps["submit"].by_status == {202: 3}
    assert all(body.count(b'":"') == 200 for body in submitted)


def _only_ids(questions: list[str]) -> dict[str, object]:
    return {"questions": [{"id": question} for question in questions]}


@pytest.mark.parametrize("receipt", [{}, {"receipt_id": "r"}, {"receipt_id": "r", "attempt_id": "another"}])
async def test_an_acknowledgement_without_receipt_is_counted(tmp_path: Path, receipt: object) -> None:
    async def no_receipt(asked: Asked) -> Reply:
        return http(201, paper("a")) if asked.path.endswith("/attempts") else http(202, receipt)

    async with serving(no_receipt) as server:
        load = await ran(Plan(targets=(server.target,), participants=tokens(tmp_path, 1), quiz="contest"))
    assert load.steps["submit"].failed == {"answer": 1}


async def test_watching_goes_on_through_failures(tmp_path: Path) -> None:
    quiz = TinyQuiz(polls_until_graded=1)
    broken = count()

    async def break_polls(asked: Asked) -> Reply:
        if asked.path.endswith("/result") and next(broken) < 2:
            return None
        return await quiz.answer(asked)

    async with serving(break_polls) as server:
        plan = Plan(targets=(server.target,), participants=tokens(tmp_path, 1), quiz="contest", watch=1)
        load = await ran(plan)
    assert load.steps["result_get"].failed == {"reset": 2}
    assert load.steps["result_wait"].count == 1


async def test_turned_away_starts_and_submissions_are_sent_again(tmp_path: Path) -> None:
    quiz = TinyQuiz()
    numbers = count()

    async def busy(asked: Asked) -> Reply:
        return http(503, None, "retry-after: 0") if next(numbers) % 2 else await quiz.answer(asked)

    async with serving(busy) as server:
        load = await ran(
            Plan(targets=(server.target,), participants=tokens(tmp_path, 20), quiz="contest", retry_503=True)
        )
    assert load.steps["submit"].by_status == {202: 20}
    assert load.steps["start"].turned_away + load.steps["submit"].turned_away >= 20


async def test_all_connections_are_opened_before_anything_begins(tmp_path: Path) -> None:
    async with serving(yes) as server:
        plan = Plan(
            targets=(server.target,),
            requests=written(tmp_path, 40),
            # So slow that one connection would do.
            rate=200.0,
            connections=30,
            connect_first=True,
        )
        load = await ran(plan)
    assert load.steps["request"].by_status == {200: 40}
    assert load.connections_opened == len(server.opened_at) == 30


@pytest.mark.parametrize("connecting", [False, True])
async def test_in_a_burst_nobody_submits_before_all_have_started(tmp_path: Path, connecting: bool) -> None:
    quiz = TinyQuiz(polls_until_graded=1)

    async def slow_start(asked: Asked) -> Reply:
        if asked.token == "token.of-17":
            await asyncio.sleep(0.3)
        # One who is refused must not keep the others waiting.
        return http(409) if asked.token == "token.of-3" else await quiz.answer(asked)

    async with serving(slow_start) as server:
        plan = Plan(
            targets=(server.target,),
            participants=tokens(tmp_path, 300),
            quiz="contest",
            watch=10,
            burst=True,
            burst_connect=connecting,
        )
        load = await ran(plan)
    kinds = ["start" if path.endswith("/attempts") else "later" for path in server.paths()]
    assert kinds[:300] == ["start"] * 300
    assert sum(before != then for before, then in pairwise(kinds)) == 1
    assert load.steps["start"].by_status == {201: 299, 409: 1}
    assert load.steps["submit"].by_status == {202: 299}
    assert load.steps["result_wait"].count == 30
    assert load.connections_opened == len(server.opened_at) == 300
    # Each on its own connection, from the start to the submission.
    assert Counter(asked.connection for asked in server.asked[:300]).most_common(1)[0][1] == 1
