"""The audit of reports of literacy: the people who were counted after a close are those in the standings."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, TypeAlias

from ops.audit.findings import Check, true_of_all
from ops.audit.rankings import FINISH_BITS, TIME_BITS
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]
KINDS = ("audiences", "districts", "units")


async def literacy_checks(
    database: Database, quizzes: Mapping[str, Json], erased: Collection[str]
) -> AsyncIterator[Check]:
    """Each kind of cells has everybody in the final standings once, with their points."""
    final: dict[str, Json] = {}
    async for one in database["literacy"].find({"final": True}):
        revised_at = quizzes.get(one["_id"], {}).get("revised_at")
        # Standings that have changed since are counted again in a moment.
        if revised_at is None or one["counted_at"] > revised_at:
            final[one["_id"]] = one["census"]
    standing: dict[str, Counter[int]] = {quiz_id: Counter() for quiz_id in final}
    gone: dict[str, Counter[int]] = {quiz_id: Counter() for quiz_id in final}
    async for one in database["standings"].find({"quiz_id": {"$in": list(final)}}):
        # People who were erased after the count are in it; people who were erased before are not.
        people = gone if one["_id"].rpartition("/")[2] in erased else standing
        people[one["quiz_id"]][one["order"] >> TIME_BITS + FINISH_BITS] += 1
    wrong = [
        f"{quiz_id}/{kind}"
        for quiz_id, census in final.items()
        for kind in KINDS
        if not _are_counted(_points(census[kind]), standing[quiz_id], gone[quiz_id])
    ]
    yield true_of_all("reports of literacy have everybody once", wrong, len(final) * len(KINDS))


def _are_counted(counted: Counter[int], standing: Counter[int], gone: Counter[int]) -> bool:
    points = {*counted, *standing, *gone}
    return all(standing[one] <= counted[one] <= standing[one] + gone[one] for one in points)


def _points(cells: list[Json]) -> Counter[int]:
    together: Counter[int] = Counter()
    for cell in cells:
        together.update({int(half_points): people for half_points, people in cell["points"].items()})
    return together
