"""What corrections change: keys, results and what is published of them, without the services' code."""

from collections.abc import Collection, Iterator, Mapping
from fractions import Fraction
from math import floor
from typing import Any, TypeAlias

from ops.audit.findings import Check, compare, true_of_all
from ops.audit.log import Log

Json: TypeAlias = dict[str, Any]
READ_BY_PARTICIPANTS = ("kind", "text", "options")


def right_letters(quiz: Json, definition: Json, present: Json) -> dict[str, frozenset[str] | None]:
    """
    The right letters of every question of a version; None: it is cancelled.

    Args:
        quiz: as stored, with its corrections in order.
        definition: of the version.
        present: of the version that the corrections name their questions by.
    """
    right: dict[str, frozenset[str] | None] = {
        question["id"]: frozenset(question["key"]) for question in definition["questions"]
    }
    now = {question["id"]: question for question in present["questions"]}
    then = {question["id"]: question for question in definition["questions"]}
    for correction in quiz.get("corrections", ()):
        id_ = correction["question_id"]
        if id_ in then and _read_the_same(then[id_], now[id_]):
            right[id_] = None if correction["key"] is None else frozenset(correction["key"])
    return right


def points_of_questions(quiz: Json, published: Json, present: Json) -> dict[str, Fraction]:
    """What every question of a published version is worth, with all corrections."""
    worth = {one["id"]: Fraction(one.get("points", 1)) for one in published["questions"]}
    then = {one["id"]: one for one in published["questions"]}
    now = {one["id"]: one for one in present["questions"]}
    of_quiz = dict(worth)
    for correction in quiz.get("corrections", ()):
        id_ = correction["question_id"]
        if id_ not in then or not _read_the_same(then[id_], now[id_]):
            continue
        if correction.get("taken_out"):
            worth[id_] = Fraction(0)
        else:
            points = correction.get("points")
            worth[id_] = of_quiz[id_] if points is None else Fraction(points)
    return worth


def results_of_now(log: Log) -> list[Json]:
    """What `quiz.completed` said of each result, with the points of its highest version."""
    results = {event.body["result_id"]: event.body for event in log.events("quiz.completed")}
    for result_id, versions in _versions(log).items():
        if result_id in results:
            results[result_id] = results[result_id] | {
                name: versions[-1][name] for name in ("points", "points_max", "score_percent", "passed")
            }
    return list(results.values())


def passed_once(log: Log) -> Iterator[Json]:
    """The results in all their versions: an award that an earlier one has earned stays."""
    yield from (event.body for event in log.events("quiz.completed"))
    yield from (event.body for event in log.events("quiz.regraded"))


def same_as_first(published: Json, results: Mapping[str, Json], erased: Collection[str]) -> bool:
    """
    True if `quiz.completed` says the same as the stored first version.

    Group and district of erased people are not stored any more.
    """
    stored = results.get(published["result_id"])
    if stored is None:
        return False
    fields = ("participant_id", "quiz_id", "time_used_seconds")
    profile = () if published["participant_id"] in erased else ("group_id", "district")
    halves, passed, halves_max = _first(stored)
    return (
        all(published[name] == stored[name] for name in (*fields, *profile))
        and published.get("automatic", False) == stored.get("automatic", False)
        and _says(published, halves, halves_max, passed)
    )


def correction_checks(log: Log, quizzes: Mapping[str, Json], results: Mapping[str, Json]) -> list[Check]:
    """Corrections are done, and each change of a result is published once, in a chain of versions."""
    regraded = log.events("quiz.regraded")
    expected = (
        f"{id_}/{version}"
        for id_, result in results.items()
        for version in range(2, result.get("version", 1) + 1)
    )
    return [
        true_of_all(
            "corrections are done",
            (id_ for id_, quiz in quizzes.items() if quiz.get("regrading") is not None),
            len(quizzes),
        ),
        compare(
            "changed results are published (quiz.regraded)",
            expected,
            (f"{event.body['result_id']}/{event.body['version']}" for event in regraded),
        ),
        true_of_all("each correction goes on from the points before", _broken(log, results), len(regraded)),
    ]


def _read_the_same(then: Json, now: Json) -> bool:
    """False if another version asks something else under the same id."""
    return all(then[name] == now[name] for name in READ_BY_PARTICIPANTS)


def _versions(log: Log) -> dict[str, list[Json]]:
    """By result, what `quiz.regraded` said of it, in the order of the versions."""
    found: dict[str, list[Json]] = {}
    for event in log.events("quiz.regraded"):
        found.setdefault(event.body["result_id"], []).append(event.body)
    return {id_: sorted(bodies, key=lambda body: body["version"]) for id_, bodies in found.items()}


def _broken(log: Log, results: Mapping[str, Json]) -> Iterator[str]:
    """Results whose events do not lead from the first points to those of now."""
    for id_, versions in _versions(log).items():
        stored = results.get(id_)
        if stored is None:
            yield id_
            continue
        halves, passed, halves_max = _first(stored)
        points, of = Fraction(halves, 2), Fraction(halves_max, 2)
        correction = 0
        for body in versions:
            of_before = body.get("points_max_before")
            if (body["points_before"], body["passed_before"]) != (points, passed):
                yield id_
            if (body["points_max"] if of_before is None else of_before) != of:
                yield id_
            if body["correction"] <= correction or (body["points"], body["points_max"]) == (points, of):
                yield id_
            points, passed, correction = Fraction(body["points"]), body["passed"], body["correction"]
            of = Fraction(body["points_max"])
        if not _says(versions[-1], stored["halves"], stored["halves_max"], stored["passed"]):
            yield id_


def _first(stored: Json) -> tuple[int, bool, int]:
    """Half points, whether it passed, and the half points of the paper, in the first version of a result."""
    halves, passed, *of = stored.get("first", (stored["halves"], stored["passed"]))
    return halves, passed, of[0] if of else stored["halves_max"]


def _says(published: Json, halves: int, halves_max: int, passed: bool) -> bool:
    said = tuple(published[name] for name in ("points", "points_max", "score_percent", "passed"))
    return said == (halves / 2, halves_max / 2, floor(Fraction(100 * halves, halves_max)), passed)
