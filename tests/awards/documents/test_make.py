"""Whose name is on a document and on the page of a code."""

import asyncio
from typing import Any

import pytest

from services.awards.documents.fonts import Fonts
from services.awards.documents.make import Documents
from services.awards.documents.page import verified
from services.awards.documents.store import TemplateStore
from services.awards.documents.typeset import Press, Typesetter
from services.awards.issued.store import AwardStore
from services.awards.known.store import KnownStore
from services.awards.names.rules import Names
from shared.runtime.errors import Overloaded
from shared.runtime.keyed_hash import KeyedHash
from shared.storage.mongo import Database
from shared.web.paced import OF_ONE_MAX
from tests.awards.documents.builders import ISSUER, URL, KnownNames, award, template, texts

pytestmark = pytest.mark.stack
CODE = "KW-7Q2MA-X4D0P"
GATE_SECONDS_MAX = 20.0


class Gated(Typesetter):
    """Typesets nothing until so many are refused: else a slow machine is done with some before."""

    def __init__(self, refused: int) -> None:
        super().__init__(Fonts())
        self._to_refuse = refused
        self._open = asyncio.Event()

    def refuse(self, task: asyncio.Task[Any]) -> None:
        """Somebody is done."""
        self._to_refuse -= isinstance(task.exception(), Overloaded)
        if self._to_refuse <= 0:
            self._open.set()

    async def document(self, *told: Any) -> bytes:
        """When the gate is open."""
        async with asyncio.timeout(GATE_SECONDS_MAX):
            await self._open.wait()
        return await super().document(*told)


async def documents(database: Database, names: Names, typesetter: Typesetter) -> Documents:
    awards, known, templates = AwardStore(database), KnownStore(database), TemplateStore(database)
    for store in (awards, known, templates):
        await store.prepare()
    await awards.add_new([award(recipient_id="li")])
    await templates.put(template(schemes=["contest-prize"]))
    tags = KeyedHash(b"of-tests")
    return Documents(awards, known, templates, Press(typesetter, names, URL, ISSUER), tags)


async def test_the_holder_and_an_act_read_the_full_name_and_others_what_the_holder_shows(
    database: Database,
) -> None:
    typesetter = Typesetter(Fonts())
    names = KnownNames({"li": "李*明"}, {"li": "李小明"})
    making = await documents(database, names, typesetter)

    async def read(*, in_full: bool = False, participant_id: str | None = None) -> tuple[str, str]:
        made = await making.of_award(CODE, "zh-CN", participant_id=participant_id, in_full=in_full)
        assert made.content is not None
        return texts(made.content)[0], made.tag

    try:
        shown, tag = await read()
        assert shown == "李*明"
        assert (await read(participant_id="somebody-else")) == (shown, tag)
        full, other_tag = await read(participant_id="li")
        assert full == "李小明"
        assert (await read(in_full=True)) == (full, other_tag)
        # A cache in between must not give one for the other.
        assert tag != other_tag
        _, name, _ = await making.look_up(CODE)
        assert name == "李*明"
    finally:
        typesetter.close()


async def test_many_documents_of_one_network_keep_no_other_one_waiting(database: Database) -> None:
    typesetter = Gated(refused=3)
    making = await documents(database, KnownNames({"li": "李*明"}), typesetter)

    async def read(network: str) -> str:
        made = await making.of_award(CODE, "zh-CN", network=network)
        assert made.content is not None
        return network

    try:
        crowd = [asyncio.create_task(read("a")) for _ in range(OF_ONE_MAX + 3)]
        for one in crowd:
            one.add_done_callback(typesetter.refuse)
        assert await read("b") == "b"
        assert not all(one.done() for one in crowd)
        said = await asyncio.gather(*crowd, return_exceptions=True)
        assert sum(one == "a" for one in said) == OF_ONE_MAX
        assert sum(isinstance(one, Overloaded) for one in said) == 3
    finally:
        typesetter.close()


async def test_the_holder_does_not_wait_for_a_crowd_of_the_same_network(database: Database) -> None:
    typesetter = Gated(refused=1)
    making = await documents(database, KnownNames({"li": "李*明"}, {"li": "李小明"}), typesetter)

    async def read(participant_id: str | None = None) -> bytes | None:
        made = await making.of_award(CODE, "zh-CN", participant_id=participant_id, network="a")
        return made.content

    try:
        crowd = [asyncio.create_task(read("somebody-else")) for _ in range(OF_ONE_MAX + 1)]
        for one in crowd:
            one.add_done_callback(typesetter.refuse)
        assert await read("li")
        assert not all(one.done() for one in crowd)
        said = await asyncio.gather(*crowd, return_exceptions=True)
        assert sum(isinstance(one, Overloaded) for one in said) == 1
    finally:
        typesetter.close()


def test_a_document_of_before_the_last_change_is_not_the_latest() -> None:
    now = award(version=3)
    assert [verified(now, version, None, erased=False).verdict for version in (None, 3, 2)] == [
        "held",
        "held",
        "superseded",
    ]
    assert verified(award(recipient_id="li"), 1, "李*明", erased=True).name is None
