"""Prints: every held award once, whoever dies and whoever works at the same time; nobody who was erased."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.awards.documents.fonts import Fonts
from services.awards.documents.print_pages import FILE_PAGES_MAX, Printing, start_print
from services.awards.documents.prints import Print, PrintStore
from services.awards.documents.store import TemplateStore
from services.awards.documents.typeset import Press, Typesetter
from services.awards.issued.codes import award_code, award_id
from services.awards.issued.rules import Award, revoked
from services.awards.issued.store import AwardStore
from services.awards.known.store import KnownStore
from services.awards.names.rules import Names
from services.awards.schemes.store import SchemeStore
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together
from tests.awards.builders import AWARD_KEY, service
from tests.awards.builders import scheme as a_scheme
from tests.awards.documents.builders import AT, ISSUER, URL, KnownNames, template, texts
from tests.support.service import ORGANISER, code_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
SCHEME = "contest-prize"


class Parts:
    """The stores of one database, and who prints."""

    def __init__(self, database: Database, typesetter: Typesetter) -> None:
        self.database, self.typesetter = database, typesetter
        self.awards, self.known = AwardStore(database), KnownStore(database)
        self.templates, self.prints = TemplateStore(database), PrintStore(database)
        self.schemes = SchemeStore(database)

    async def prepared(self) -> "Parts":
        for store in (self.awards, self.known, self.templates, self.prints, self.schemes):
            await store.prepare()
        await self.schemes.put(a_scheme(SCHEME))
        await self.templates.put(template(schemes=[SCHEME]))
        return self

    async def give(self, *recipient_ids: str) -> list[Award]:
        key = AWARD_KEY.encode()
        given = [
            Award(
                award_id=(id_ := award_id(SCHEME, one)),
                award_code=award_code(id_, key),
                scheme_id=SCHEME,
                scheme_title="科普知识竞赛",
                kind="flag",
                tier=None,
                recipient_id=one,
                cause="conferred",
                issued_at=AT,
                relayed=True,
            )
            for one in recipient_ids
        ]
        await self.awards.add_new(given)
        return given

    def printing(self, names: Names, prints: Any = None, typesetter: Any = None) -> Printing:
        press = Press(typesetter or self.typesetter, names, URL, ISSUER)
        return Printing(self.awards, self.known, prints or self.prints, press)

    async def start(self) -> Print:
        return await start_print(SCHEME, "zh-CN", self.schemes, self.templates, self.prints)

    async def printed(self, print_id: str) -> list[str]:
        """The text of each page of each file, without the space between Chinese characters and others."""
        one = await self.prints.get(print_id)
        return [
            text.replace(" ", "")
            for file in one.files
            for text in texts(await self.prints.file(print_id, file.number))
        ]


@pytest.fixture
async def at(database: Database) -> AsyncIterator[Parts]:
    typesetter = Typesetter(Fonts())
    yield await Parts(database, typesetter).prepared()
    typesetter.close()


async def finish(printing: Printing, at: Parts, print_id: str) -> Print:
    for _ in range(20):
        if (one := await at.prints.get(print_id)).state == "done":
            return one
        await printing.go_on(print_id)
    raise AssertionError("the print does not end")


async def test_each_held_award_has_one_page_in_files_of_a_bounded_size(at: Parts) -> None:
    people = [f"p{number:04}" for number in range(2 * FILE_PAGES_MAX + 3)]
    given = await at.give(*people)
    names = KnownNames({one: f"李{one}" for one in people})

    async def revoke(unit: UnitOfWork) -> None:
        await at.awards.change(unit, [revoked(given[7], "授予有误", AT, erased=False)])

    await save_together(at.database, revoke)
    await at.known.erase(["p0008"])
    one = await at.start()
    done = await finish(at.printing(names), at, one.print_id)
    assert (done.pages, done.left_out, done.unprintables) == (len(people) - 2, 2, 0)
    assert max(file.pages for file in done.files) <= FILE_PAGES_MAX
    assert sum(file.pages for file in done.files) == done.pages
    wanted = {f"李{one}" for one in people} - {"李p0007", "李p0008"}
    read = await at.printed(one.print_id)
    assert (set(read), len(read)) == (wanted, len(wanted))


async def test_an_award_that_cannot_be_printed_is_told_and_the_others_are_printed(at: Parts) -> None:
    await at.give("li", "wang", "zhao")
    names = KnownNames({"li": "李明", "wang": "王\U0002195d", "zhao": "赵龑"})
    one = await at.start()
    done = await finish(at.printing(names), at, one.print_id)
    assert sorted(await at.printed(one.print_id)) == ["李明", "赵龑"]
    [bad] = done.unprintable
    assert bad.award_code == award_code(award_id(SCHEME, "wang"), AWARD_KEY.encode())
    assert (bad.characters, done.unprintables) == (("U+2195D",), 1)


async def test_a_page_that_only_the_compiler_refuses_stops_no_other_page(at: Parts) -> None:
    await at.give("li", "wang")
    names = KnownNames({"li": "李明", "wang": "王\U0002195d"})

    class Careless(Fonts):
        def missing(self, text: str) -> list[str]:
            return []

    careless = Typesetter(Careless())
    try:
        one = await at.start()
        done = await finish(at.printing(names, typesetter=careless), at, one.print_id)
    finally:
        careless.close()
    assert await at.printed(one.print_id) == ["李明"]
    assert done.unprintables == 1


async def test_two_processes_that_print_at_once_make_each_page_once(at: Parts) -> None:
    people = [f"p{number:04}" for number in range(FILE_PAGES_MAX + 50)]
    await at.give(*people)
    names = KnownNames({one: f"李{one}" for one in people})
    one = await at.start()
    workers = [at.printing(names), at.printing(names)]
    for _ in range(3):
        await asyncio.gather(*(worker.go_on(one.print_id) for worker in workers))
    assert (await at.prints.get(one.print_id)).state == "done"
    read = await at.printed(one.print_id)
    assert sorted(read) == [f"李{person}" for person in people]


class DiedError(Exception):
    """The worker is dead."""


class Dying:
    """Stands before the store of prints: the worker dies before or after it stores a file."""

    def __init__(self, prints: PrintStore, *, after: bool) -> None:
        self._prints, self._after = prints, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._prints, name)

    async def advance(self, *args: Any) -> bool:
        if self._after:
            await self._prints.advance(*args)
        raise DiedError


@pytest.mark.parametrize("after", [False, True])
async def test_a_worker_that_dies_while_it_stores_a_file_leaves_no_page_out_and_none_twice(
    at: Parts, after: bool
) -> None:
    await at.give("li", "wang")
    names = KnownNames({"li": "李明", "wang": "王芳"})
    one = await at.start()
    with pytest.raises(DiedError):
        await at.printing(names, Dying(at.prints, after=after)).go_on(one.print_id)
    await finish(at.printing(names), at, one.print_id)
    assert sorted(await at.printed(one.print_id)) == ["李明", "王芳"]


async def test_a_file_with_somebody_who_is_erased_is_removed_and_the_next_print_has_them_no_more(
    at: Parts,
) -> None:
    await at.give("li", "wang")
    names = KnownNames({"li": "李明", "wang": "王芳"})
    one = await at.start()
    await finish(at.printing(names), at, one.print_id)
    await at.known.erase(["li"])
    await at.prints.forget(["li"])
    assert await at.prints.file_numbers(one.print_id) == set()
    assert await at.database["print_files"].count_documents({}) == 0
    again = await at.start()
    await finish(at.printing(names), at, again.print_id)
    assert await at.printed(again.print_id) == ["王芳"]


class Meanwhile:
    """Stands before the typesetter: somebody is erased while their page is made."""

    def __init__(self, at: Parts, erased: str, *, forgotten: bool) -> None:
        self._at, self._erased, self._forgotten = at, erased, forgotten

    def __getattr__(self, name: str) -> Any:
        return getattr(self._at.typesetter, name)

    async def document(self, *args: Any) -> bytes:
        made = await self._at.typesetter.document(*args)
        await self._at.known.erase([self._erased])
        if self._forgotten:
            await self._at.prints.forget([self._erased])
        return made


@pytest.mark.parametrize("forgotten", [False, True])
async def test_whoever_is_erased_while_their_page_is_made_is_in_no_file(at: Parts, forgotten: bool) -> None:
    await at.give("li", "wang")
    names = KnownNames({"li": "李明", "wang": "王芳"})
    one = await at.start()
    during = Meanwhile(at, "li", forgotten=forgotten)
    await at.printing(names, typesetter=during).go_on(one.print_id)
    assert await at.database["print_files"].count_documents({}) == 0
    await finish(at.printing(names), at, one.print_id)
    assert await at.printed(one.print_id) == ["王芳"]


async def test_an_erasure_waits_for_a_file_that_is_being_stored_and_then_finds_it(at: Parts) -> None:
    await at.give("li", "wang")
    names = KnownNames({"li": "李明", "wang": "王芳"})
    one = await at.start()
    erasing: list[asyncio.Task[None]] = []

    class Late(Dying):
        async def advance(self, *args: Any) -> bool:
            # The transaction has looked who is erased, and is not committed.
            await at.known.erase(["li"])
            erasing.append(asyncio.create_task(at.prints.forget(["li"])))
            await asyncio.sleep(0.05)
            return await at.prints.advance(*args)

    await at.printing(names, Late(at.prints, after=True)).go_on(one.print_id)
    await asyncio.gather(*erasing)
    assert await at.database["print_files"].count_documents({}) == 0


async def test_a_print_is_begun_looked_at_downloaded_and_deleted_over_http(kafka: str, mongo: str) -> None:
    async with service(mongo, kafka=kafka, role="all") as ([client], database):
        await AwardStore(database).prepare()
        at = Parts(database, Typesetter(Fonts()))
        await at.schemes.put(a_scheme(SCHEME))
        await at.give(*(f"p{number}" for number in range(3)))
        path = f"/schemes/{SCHEME}/prints"
        began = await client.post(path, json={"language": "zh-CN"}, headers=ORGANISER)
        assert began.status_code == 202, began.text
        one = f"{path}/{began.json()['print_id']}"

        async def read() -> dict[str, Any]:
            return (await client.get(one, headers=ORGANISER)).json()  # type: ignore[no-any-return]

        done = await eventually(read, lambda said: said["state"] == "done")
        [file] = done["files"]
        assert (file["pages"], file["removed"]) == (3, False)
        content = await client.get(f"{one}/files/1.pdf", headers=ORGANISER)
        assert len(texts(content.content)) == 3
        assert file["bytes"] == len(content.content)
        missing = await client.get(f"{one}/files/2.pdf", headers=ORGANISER)
        assert code_of(missing) == (404, "print_file_unknown")
        other = f"/schemes/other/prints/{began.json()['print_id']}"
        assert code_of(await client.get(other, headers=ORGANISER)) == (404, "print_unknown")
        listed = (await client.get(path, headers=ORGANISER)).json()
        assert [each["print_id"] for each in listed["prints"]] == [began.json()["print_id"]]
        assert (await client.delete(one, headers=ORGANISER)).status_code == 204
        assert await database["print_files"].count_documents({}) == 0
        assert code_of(await client.get(one, headers=ORGANISER)) == (404, "print_unknown")
        unknown = await client.post("/schemes/none/prints", json={}, headers=ORGANISER)
        assert code_of(unknown) == (404, "scheme_unknown")


async def test_there_are_so_many_prints_at_the_most(at: Parts, client: httpx.AsyncClient) -> None:
    for _ in range(20):
        await at.start()
    answer = await client.post(f"/schemes/{SCHEME}/prints", json={}, headers=ORGANISER)
    assert code_of(answer) == (409, "too_many_prints")
    assert code_of(await client.get(f"/schemes/{SCHEME}/prints/gate", headers=ORGANISER)) == (
        404,
        "print_unknown",
    )
