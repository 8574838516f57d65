"""A guardian with a browser: the link is a page, its forms sign and take back, and every end is readable."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.registration.builders import service
from tests.registration.consents.test_consents import Headers, link, pupil, sign
from tests.registration.rosters.builders import manager_of

pytestmark = pytest.mark.stack

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "accept-language": "zh-CN,zh;q=0.9"}
ENGLISH = BROWSER | {"accept-language": "en"}


async def asked(client: httpx.AsyncClient, name: str = "李小明") -> tuple[str, Headers, str]:
    """The code of a link for a minor of this name, the manager's token, and the member."""
    manager = await manager_of(client)
    member_id = await pupil(client, manager, name)
    return (await link(client, manager, member_id))["consent_code"], manager, member_id


def form_of(page: httpx.Response) -> tuple[str, dict[str, Any]]:
    """The address of the page's form, and what it sends as it stands."""
    [action] = re.findall(r'<form method="post" action="([^"]+)">', page.text)
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))
    return str(page.url.join(action)), fields


async def test_a_guardian_reads_signs_and_takes_back_by_pages_alone(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        code, manager, member_id = await asked(client)
        page = await client.get(f"/consents/{code}", headers=BROWSER)
        assert page.status_code == 200
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        for shown in ("一中", "李＊＊", "我是该未成年人的监护人"):
            assert shown in page.text
        # Whoever finds the link does not learn who the child is.
        assert "小明" not in page.text
        action, fields = form_of(page)
        signed = await client.post(action, data=fields | {"guardian": "李大明"}, headers=BROWSER)
        assert signed.status_code == 303
        after = await client.get(str(signed.url.join(signed.headers["location"])), headers=BROWSER)
        proof = (await client.get(f"/groups/school-1/members/{member_id}/consent", headers=manager)).json()
        assert (proof["status"], proof["guardian"]) == ("given", "李大明")
        for shown in ("已签署的内容", "撤回同意", proof["receipt"], proof["text_hash"]):
            assert shown in after.text
        assert "李大明" not in after.text
        action, fields = form_of(after)
        for _ in range(2):
            assert (await client.post(action, data=fields, headers=BROWSER)).status_code == 303
        last = await client.get(f"/consents/{code}", headers=BROWSER)
        assert "同意已撤回" in last.text
        assert "<form" not in last.text


async def test_the_page_is_in_the_language_of_the_browser_and_a_program_gets_json(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        code, _, _ = await asked(client)
        english = await client.get(f"/consents/{code}", headers=ENGLISH)
        assert "I am a guardian of this minor" in english.text
        assert '<html lang="en">' in english.text
        plain = await client.get(f"/consents/{code}")
        shown = (await client.post("/consents/view", json={"consent_code": code})).json()
        assert plain.json() == shown
        assert shown["minor"] == "李＊＊"


async def test_a_name_is_shown_as_text(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        code, _, _ = await asked(client, "<b>李")
        page = await client.get(f"/consents/{code}", headers=BROWSER)
        assert "&lt;＊＊" in page.text


@pytest.mark.parametrize("headers", [BROWSER, ENGLISH])
async def test_each_end_of_a_link_is_a_page(mongo: str, headers: Headers) -> None:
    async with service(mongo) as ([client], database):
        code, manager, member_id = await asked(client)
        chinese = headers is BROWSER
        unknown = "链接不存在或已过期" if chinese else "there is no such link"
        for other in ("x", "A" * 32, "%3Cscript%3E"):
            page = await client.get(f"/consents/{other}", headers=headers)
            assert (page.status_code, unknown in page.text) == (404, True)
            assert "<script" not in page.text
        name = {"consent_code": code, "guardian": "李大明"}
        old = await client.post("/consents/signature", data=name | {"text_version": "1"}, headers=headers)
        assert (old.status_code, "consent_text_changed" in old.text) == (409, True)
        blank = await client.post(
            "/consents/signature",
            data=name | {"guardian": "\u3000", "text_version": "1"},
            headers=headers,
        )
        assert (blank.status_code, ("看不见" if chinese else "visible") in blank.text) == (422, True)
        await sign(client, {"consent_code": code})
        await client.post("/consents/revocation", data={"consent_code": code}, headers=headers)
        again = await client.post("/consents/signature", data=name | {"text_version": "1"}, headers=headers)
        assert (again.status_code, "consent_revoked" in again.text) == (409, True)
        code = (await link(client, manager, member_id))["consent_code"]
        past = {"link_expires_at": datetime.now(UTC) - timedelta(seconds=1)}
        await database["consents"].update_one({}, {"$set": past})
        ended = await client.get(f"/consents/{code}", headers=headers)
        assert (ended.status_code, unknown in ended.text) == (404, True)
