"""Files of rosters, and a manager of a school."""

import csv
import io
from typing import Any

import httpx
from openpyxl import Workbook

from services.registration.participants.store import GroupStore, ParticipantStore
from services.registration.rosters.admit import MemberAdmission
from services.registration.rosters.import_lines import RosterImports
from services.registration.rosters.store import ImportStore, RosterStore
from shared.runtime import clock
from shared.storage.mongo import Database
from shared.storage.unit_of_work import Contended
from tests.registration.builders import CODES, KEYS, SEALER, activity, ask, newcomer, put
from tests.registration.sign_ins.builders import confirm as give
from tests.support.service import ORGANISER, bearer, new_id

ADMISSION = MemberAdmission(SEALER, KEYS.hash, CODES)
SCHOOL = {"name": "一中", "kind": "school", "district": "华龙区"}
HEADING = ["姓名", "班级", "学号", "邮箱"]
CSV = {"Content-Type": "text/csv"}


def pupils(number: int) -> list[list[str]]:
    """Lines of a roster, all good."""
    return [
        [f"学生{place}", f"{place // 40 + 1}班", f"{place:04}", f"s{place}@example.org"]
        for place in range(number)
    ]


def with_bad_lines(lines: list[list[str]], number: int) -> list[list[str]]:
    """The same lines, of which so many are bad: from the third on, each 70th one has no e-mail address."""
    bad = {2 + 70 * place for place in range(number)}
    return [[*line[:3], "nobody"] if place in bad else line for place, line in enumerate(lines)]


def csv_of(lines: list[list[str]], heading: list[str] | None = None, separator: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows([heading or HEADING, *lines])
    return text.getvalue()


def xlsx_of(lines: list[list[Any]], heading: list[str] | None = None) -> bytes:
    book = Workbook()
    sheet = book.worksheets[0]
    for line in [heading or HEADING, *lines]:
        sheet.append(line)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


async def newcomer_with_token(client: httpx.AsyncClient) -> dict[str, str]:
    """The header of somebody who takes part, with a verified contact."""
    session, address = new_id("talk"), f"{new_id('manager')}@example.org"
    await put(client, session, activity(session, capacity=5))
    id_ = (await ask(client, session, participant=newcomer(email=address))).json()["participant_id"]
    code = CODES.code(address, 1, clock.now())
    return bearer((await give(client, id_, code)).json()["token"])


async def manager_of(client: httpx.AsyncClient, group_id: str = "school-1") -> dict[str, str]:
    """The header of a manager of a school that an organiser has put."""
    await client.put(f"/groups/{group_id}", json=SCHOOL, headers=ORGANISER)
    invited = await client.post(f"/groups/{group_id}/managers", headers=ORGANISER)
    manager = await newcomer_with_token(client)
    code = {"invitation_code": invited.json()["invitation_code"]}
    accepted = await client.post("/me/groups", json=code, headers=manager)
    assert accepted.status_code == 201, accepted.text
    return manager


async def upload(
    client: httpx.AsyncClient, manager: dict[str, str], content: str | bytes, group_id: str = "school-1"
) -> httpx.Response:
    body = content.encode() if isinstance(content, str) else content
    return await client.post(f"/groups/{group_id}/roster-imports", content=body, headers=manager | CSV)


async def confirm(
    client: httpx.AsyncClient, manager: dict[str, str], preview: dict[str, Any], **form: bool
) -> httpx.Response:
    path = f"/groups/{preview['group_id']}/roster-imports/{preview['import_id']}/confirmation"
    return await client.post(path, json=form, headers=manager)


async def read_import(
    client: httpx.AsyncClient, manager: dict[str, str], preview: dict[str, Any]
) -> dict[str, Any]:
    path = f"/groups/{preview['group_id']}/roster-imports/{preview['import_id']}"
    found: dict[str, Any] = (await client.get(path, headers=manager)).json()
    return found


async def members_of(
    client: httpx.AsyncClient, manager: dict[str, str], group_id: str = "school-1"
) -> list[dict[str, Any]]:
    """All members, page by page."""
    members: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        params: dict[str, Any] = {"limit": 200} | after
        page = (await client.get(f"/groups/{group_id}/members", params=params, headers=manager)).json()
        members += page["members"]
        if page["after"] is None:
            return members
        after = {"after": page["after"]}


def roster_imports(database: Database, members: RosterStore | None = None) -> RosterImports:
    """What a worker does."""
    return RosterImports(
        database,
        members or RosterStore(database),
        ImportStore(database),
        GroupStore(database),
        ParticipantStore(database),
        ADMISSION,
    )


async def import_all(imports: RosterImports, group_id: str = "school-1") -> int:
    """A worker imports everything of a group. Returns in how many slices."""
    slices = 0
    while True:
        try:
            if not await imports.go_on(group_id):
                return slices
        except Contended:
            # The transaction of a killed worker is still open. The server will end it.
            continue
        slices += 1
