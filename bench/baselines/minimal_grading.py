"""
The least that grading must do: poll, decode, grade, insert results and standings, publish, commit.

It checks no ids, times or papers, and has no profiles, replays, dead letters, retries or metrics.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid5

import msgspec

from bench.baselines.clients import Record, consume, headers_of, send, setting, standing_on
from bench.contest import Contest
from services.quiz.attempts.submission import Submission
from services.quiz.quizzes.papers import paper_number
from services.quiz.scoring.rules import HALF_POINTS_A_QUESTION, grade, packed, passes, score_percent
from services.quiz.standings.rules import order
from shared.contracts.envelope import EVENT_IDS
from shared.contracts.events import QuizCompleted

decode = msgspec.json.Decoder(Submission).decode
encode = msgspec.json.Encoder().encode
Score = tuple[int, int]
"""Half points reached, and those of the whole paper."""


async def main() -> None:
    """Run until a signal stops it."""
    contest = Contest.of_now()
    quiz = contest.quiz
    async with standing_on() as (database, to):
        await database["standings"].create_index([("quiz_id", 1), ("order", -1)])

        async def work(records: Sequence[Any]) -> None:
            results: list[dict[str, Any]] = []
            standings: list[dict[str, Any]] = []
            completed: list[Record] = []
            for record in records:
                one = decode(record.value)
                key = contest.paper(paper_number(one.attempt_id, quiz.papers)).key
                score = grade(one.answers, key), HALF_POINTS_A_QUESTION * len(key)
                passed = passes(*score, quiz.pass_percent)
                seconds = int((one.submitted_at - one.started_at).total_seconds())
                results.append(_result(one, score, passed, seconds, packed(one.answers, key)))
                standings.append(
                    {
                        "_id": f"{one.quiz_id}/{one.participant_id}",
                        "quiz_id": one.quiz_id,
                        "participant_id": one.participant_id,
                        "order": order(score[0], seconds, one.submitted_at, quiz.opens_at),
                    }
                )
                completed.append(_completed(one, quiz.title, score, passed, seconds))
            await database["results"].insert_many(results, ordered=False)
            await database["standings"].insert_many(standings, ordered=False)
            await send(to, "bench.completed", completed)

        await consume([setting("topic")], setting("group"), work)


def _result(one: Submission, score: Score, passed: bool, seconds: int, answers: str) -> dict[str, Any]:
    return {
        "_id": one.attempt_id,
        "submission_id": one.attempt_id,
        "quiz_id": one.quiz_id,
        "participant_id": one.participant_id,
        "group_id": one.group_id,
        "district": one.district,
        "quiz_version": one.quiz_version,
        "halves": score[0],
        "halves_max": score[1],
        "passed": passed,
        "time_used_seconds": seconds,
        "submitted_at": one.submitted_at,
        "answers": answers,
    }


def _completed(one: Submission, title: str, score: Score, passed: bool, seconds: int) -> Record:
    value = encode(
        {
            "result_id": one.attempt_id,
            "quiz_id": one.quiz_id,
            "quiz_title": title,
            "participant_id": one.participant_id,
            "group_id": one.group_id,
            "district": one.district,
            "points": score[0] / HALF_POINTS_A_QUESTION,
            "points_max": score[1] / HALF_POINTS_A_QUESTION,
            "score_percent": score_percent(*score),
            "passed": passed,
            "time_used_seconds": seconds,
            "completed_at": one.submitted_at,
        }
    )
    id_ = str(uuid5(EVENT_IDS, one.attempt_id))
    headers = headers_of(QuizCompleted.type, id_, one.participant_id, one.attempt_id)
    return one.participant_id.encode(), value, headers


if __name__ == "__main__":
    asyncio.run(main())
