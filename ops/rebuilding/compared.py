"""Two collections in the order of their ids, compared document by document; pure."""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]
EXAMPLES_MAX = 20


@dataclass(slots=True)
class Difference:
    """
    How two collections differ. Ids and names of fields are kept, and no values: they may be personal.

    Attributes:
        compared: documents that were made again.
        missing: are not in the live collection.
        more: are only in the live one.
        differing: have other values in these fields.
    """

    compared: int = 0
    missing_count: int = 0
    more_count: int = 0
    differing_count: int = 0
    missing: list[str] = field(default_factory=list)
    more: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many documents differ."""
        return self.missing_count + self.more_count + self.differing_count


async def compare(
    rebuilt: AsyncIterator[Document],
    live: AsyncIterator[Document],
    left_out: Collection[str],
    person: str | None = None,
    erased: Collection[str] = (),
) -> Difference:
    """
    Compare two collections.

    Args:
        rebuilt, live: their documents in the order of `_id`.
        left_out: fields that are not compared.
        person, erased: documents are passed over whose field `person` is, or after its last "/" has, one of
            `erased`.
    """
    found = Difference()
    one, other = await _next(rebuilt, person, erased), await _next(live, person, erased)
    while one is not None or other is not None:
        if other is None or (one is not None and one["_id"] < other["_id"]):
            assert one is not None  # noqa: S101 (the loop's condition)
            found.compared += 1
            found.missing_count += 1
            _keep(found.missing, str(one["_id"]))
            one = await _next(rebuilt, person, erased)
        elif one is None or other["_id"] < one["_id"]:
            found.more_count += 1
            _keep(found.more, str(other["_id"]))
            other = await _next(live, person, erased)
        else:
            found.compared += 1
            if fields := _differing(one, other, left_out):
                found.differing_count += 1
                _keep(found.differing, f"{one['_id']} ({', '.join(fields)})")
            one, other = await _next(rebuilt, person, erased), await _next(live, person, erased)
    return found


async def _next(
    documents: AsyncIterator[Document], person: str | None, erased: Collection[str]
) -> Document | None:
    async for document in documents:
        if person is None or str(document.get(person)).rpartition("/")[2] not in erased:
            return document
    return None


def _differing(one: Document, other: Document, left_out: Collection[str]) -> list[str]:
    names = sorted({*one, *other} - {*left_out})
    # A field that is not there is as good as one that is null.
    return [name for name in names if one.get(name) != other.get(name)]


def _keep(examples: list[str], words: str) -> None:
    if len(examples) < EXAMPLES_MAX:
        examples.append(words)
