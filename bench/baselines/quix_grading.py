"""
The same grading with a Python stream library, Quix Streams, that one might choose instead.

It is written as the library's documentation advises: a StreamingDataFrame, a topic for the results, and a
BatchingSink that writes a batch when the library commits. It runs in an environment of its own (quix.py).

It has no dead letters (a bad record stops it), no checks, no parked submissions, no metrics, no health. After
a crash between sink and commit it repeats a batch. That is harmless only because the ids and `$max` are ours.
"""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from pymongo import MongoClient, UpdateOne
from pymongo.errors import BulkWriteError
from quixstreams import Application
from quixstreams.sinks import BatchingSink, SinkBatch

from services.quiz.scoring.rules import (
    HALF_POINTS_A_QUESTION,
    KeyedQuestion,
    grade,
    packed,
    passes,
    score_percent,
)
from services.quiz.standings.rules import order

# By default it commits every five seconds. It is fastest with large batches and a limit of the wait.
COMMIT_SECONDS = 1.0
DUPLICATE_KEY = 11_000


class ResultSink(BatchingSink):  # type: ignore[misc]
    """Writes results and standings to MongoDB. Called for each partition at each commit."""

    def setup(self) -> None:
        client: MongoClient[dict[str, Any]] = MongoClient(
            os.environ["BENCH_MONGO"], w="majority", journal=True, tz_aware=True
        )
        self._results = client["bench"]["results"]
        self._standings = client["bench"]["standings"]

    def write(self, batch: SinkBatch) -> None:
        """Insert results and raise standings. A repeated batch changes nothing."""
        graded = [item.value for item in batch]
        try:
            self._results.insert_many([one["result"] for one in graded], ordered=False)
        except BulkWriteError as error:
            if any(failure["code"] != DUPLICATE_KEY for failure in error.details["writeErrors"]):
                raise
        self._standings.bulk_write(
            [
                UpdateOne(
                    {"_id": f"{one['result']['quiz_id']}/{one['result']['participant_id']}"},
                    {
                        "$max": {"order": one["order"]},
                        "$setOnInsert": {
                            "quiz_id": one["result"]["quiz_id"],
                            "participant_id": one["result"]["participant_id"],
                        },
                    },
                    upsert=True,
                )
                for one in graded
            ],
            ordered=False,
        )


class Grader:
    """Grades each submission."""

    def __init__(self, quiz: Mapping[str, Any]) -> None:
        self._quiz = quiz
        self._opens_at = datetime.fromisoformat(quiz["opens_at"])
        self._keys = {
            int(number): [KeyedQuestion(*question) for question in key]
            for number, key in quiz["keys"].items()
        }

    def grade(self, one: dict[str, Any]) -> dict[str, Any]:
        """The result, and the order of the standing."""
        key = self._keys[UUID(one["attempt_id"]).int % self._quiz["papers"]]
        half_points, half_points_max = grade(one["answers"], key), HALF_POINTS_A_QUESTION * len(key)
        submitted_at = datetime.fromisoformat(one["submitted_at"])
        seconds = int((submitted_at - datetime.fromisoformat(one["started_at"])).total_seconds())
        result = {
            "_id": one["attempt_id"],
            "submission_id": one["attempt_id"],
            "quiz_id": one["quiz_id"],
            "participant_id": one["participant_id"],
            "group_id": one.get("group_id"),
            "district": one.get("district"),
            "quiz_version": one.get("quiz_version"),
            "halves": half_points,
            "halves_max": half_points_max,
            "passed": passes(half_points, half_points_max, self._quiz["pass_percent"]),
            "time_used_seconds": seconds,
            "submitted_at": submitted_at,
            "answers": packed(one["answers"], key),
        }
        return {"result": result, "order": order(half_points, seconds, submitted_at, self._opens_at)}

    def completed(self, graded: dict[str, Any]) -> dict[str, Any]:
        """The event of the result."""
        result = graded["result"]
        fields = ("quiz_id", "participant_id", "group_id", "district", "passed")
        half_points, half_points_max = result["halves"], result["halves_max"]
        return {
            "result_id": result["_id"],
            "quiz_title": self._quiz["title"],
            **{name: result[name] for name in fields},
            "points": half_points / HALF_POINTS_A_QUESTION,
            "points_max": half_points_max / HALF_POINTS_A_QUESTION,
            "score_percent": score_percent(half_points, half_points_max),
            "time_used_seconds": result["time_used_seconds"],
            "completed_at": result["submitted_at"].isoformat(),
        }


def main() -> None:
    """Run until a signal stops it."""
    app = Application(
        broker_address=os.environ["BENCH_KAFKA"],
        consumer_group=os.environ["BENCH_GROUP"],
        auto_offset_reset="earliest",
        auto_create_topics=False,
        commit_every=int(os.environ["BENCH_COMMIT_EVENTS"]),
        commit_interval=COMMIT_SECONDS,
        producer_extra_config={"compression.type": "zstd", "acks": "all", "enable.idempotence": True},
        loglevel="WARNING",
    )
    grader = Grader(json.loads(Path(os.environ["BENCH_KEYS"]).read_text()))
    submitted = app.topic(os.environ["BENCH_TOPIC"], value_deserializer="json")
    completed = app.topic("bench.completed", value_serializer="json")
    graded = app.dataframe(submitted).apply(grader.grade)
    graded.apply(grader.completed).to_topic(completed, key=lambda told: told["participant_id"])
    graded.sink(ResultSink())
    app.run()


if __name__ == "__main__":
    main()
