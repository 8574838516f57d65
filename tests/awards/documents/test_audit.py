"""The audit finds files for printers that hold somebody twice, who has no award, or who was erased."""

import pytest

from ops.audit.erasure import left_in
from ops.audit.prints import audit_prints
from shared.storage.mongo import Document
from tests.awards.documents.builders import KnownNames
from tests.awards.documents.test_prints import Parts, at, finish

__all__ = ["at"]
pytestmark = pytest.mark.stack


@pytest.mark.parametrize(
    "change",
    [
        {"$set": {"recipient_ids.0": "somebody-else"}},
        {"$set": {"recipient_ids": ["li", "li"]}},
        {"$set": {"recipient_ids": ["li"]}},
    ],
    ids=["no award", "twice", "left out"],
)
async def test_a_file_with_other_people_than_its_print_is_found(at: Parts, change: Document) -> None:
    await at.give("li", "wang")
    one = await at.start()
    await finish(at.printing(KnownNames({"li": "李明", "wang": "王芳"})), at, one.print_id)
    assert [check.agrees for check in await audit_prints(at.database)] == [True]
    await at.database["print_files"].update_one({}, change)
    [check] = await audit_prints(at.database)
    assert check.wrong == [f"{one.print_id}/1"]


async def test_a_file_that_still_holds_an_erased_person_is_found(at: Parts) -> None:
    await at.give("li", "wang")
    one = await at.start()
    await finish(at.printing(KnownNames({"li": "李明"})), at, one.print_id)
    found = [place async for place in left_in(at.database, "print_files", ["li"])]
    assert found == [f"{at.database.name}.print_files/{one.print_id}/1 (pdf)"]
    await at.prints.forget(["li"])
    assert [place async for place in left_in(at.database, "print_files", ["li"])] == []
