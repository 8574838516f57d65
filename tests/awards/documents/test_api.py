"""Templates, documents and the page of verification over HTTP."""

from typing import Any

import httpx
import pytest

from services.awards.documents.make import Documents
from services.awards.documents.rules import Template
from services.awards.known.store import KnownStore
from services.awards.names.store import NameStore
from shared.runtime import clock
from shared.storage.mongo import Database
from tests.awards.builders import confer, put, scheme
from tests.awards.documents.builders import block, png, template, texts
from tests.awards.names.builders import named
from tests.support.networks import check_turns
from tests.support.service import ORGANISER, as_participant, code_of, new_id

pytestmark = pytest.mark.stack
BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9", "Accept-Language": "zh-CN,zh;q=0.9"}


def body_of(of: Template) -> dict[str, Any]:
    return of.model_dump(mode="json")


async def put_template(client: httpx.AsyncClient, of: Template, **headers: str) -> httpx.Response:
    path = f"/templates/{of.template_id}"
    return await client.put(path, json=body_of(of), headers=ORGANISER | headers)


async def an_award(client: httpx.AsyncClient, known: KnownStore, **changes: Any) -> dict[str, Any]:
    of, team = scheme(**changes), new_id("group")
    await put(client, of)
    await known.add_participants([team])
    found: dict[str, Any] = (await confer(client, of, team)).json()
    return found


async def test_a_document_is_made_without_any_template_and_twice_the_same(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    award = await an_award(client, known, title="科普先进单位", kind="certificate")
    path = f"/awards/{award['award_code'].lower()}/document.pdf"
    first = await client.get(path)
    assert (first.status_code, first.headers["content-type"]) == (200, "application/pdf"), first.text
    [text] = texts(first.content)
    assert "荣获“科普先进单位”" in text
    assert award["award_code"] in text
    again = await client.get(path)
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    unchanged = await client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    english = await client.get(path, params={"language": "en"})
    assert "has been given the award" in texts(english.content)[0]
    await check_turns(client, Documents, path)
    assert english.headers["etag"] != first.headers["etag"]


async def test_the_template_that_names_a_scheme_makes_its_documents(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    award = await an_award(client, known, title="科普先进单位")
    path = f"/awards/{award['award_code']}/document.pdf"
    before = await client.get(path)
    picture = {"x": 200, "y": 150, "width": 30, "png": png()}
    blocks = [block("授予：{scheme_title}", width=250), block("{unit}", y=60)]
    of = template(schemes=[award["scheme_id"]], blocks=blocks, pictures=[picture])
    answer = await put_template(client, of)
    assert answer.status_code == 200, answer.text
    made = await client.get(path)
    assert texts(made.content) == ["授予：科普先进单位"]
    assert made.headers["etag"] != before.headers["etag"]

    other = template(template_id="other", schemes=[award["scheme_id"]])
    assert code_of(await put_template(client, other)) == (409, "scheme_has_template")
    gone = await client.delete("/templates/of-names", headers=ORGANISER)
    assert gone.status_code == 204
    assert (await client.get(path)).content == before.content


async def test_templates_are_listed_read_as_put_and_looked_at(client: httpx.AsyncClient) -> None:
    await put_template(client, template(template_id="b"))
    put_one = await put_template(client, template(template_id="a", schemes=["one"]))
    listed = (await client.get("/templates", params={"limit": "1"}, headers=ORGANISER)).json()
    assert listed["templates"] == [{"template_id": "a", "title": "荣誉证书", "schemes": ["one"]}]
    rest = await client.get("/templates", params={"after": listed["after"]}, headers=ORGANISER)
    assert [one["template_id"] for one in rest.json()["templates"]] == ["b"]
    read = await client.get("/templates/a", headers=ORGANISER)
    assert read.json() == body_of(template(template_id="a", schemes=["one"]))
    assert read.headers["etag"] == put_one.headers["etag"]
    sample = await client.get("/templates/a/sample.pdf", headers=ORGANISER)
    assert "阿卜杜热合曼" in texts(sample.content)[0]
    default = await client.get("/templates/defaults/flag", headers=ORGANISER)
    copied = template(**default.json() | {"template_id": "mine"})
    assert (await put_template(client, copied)).status_code == 200
    assert code_of(await client.get("/templates/none", headers=ORGANISER)) == (404, "template_unknown")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"title": "x", "template_id": "another"}, "template_id_differs"),
        ({"pictures": [{"x": 1, "y": 1, "width": 30, "png": "AAAA"}]}, "picture_refused"),
        ({"blocks": [block("王\U0002195d")]}, "character_without_font"),
    ],
)
async def test_a_template_with_which_no_page_can_be_made_is_refused(
    client: httpx.AsyncClient, changes: dict[str, Any], code: str
) -> None:
    body = body_of(template()) | changes
    answer = await client.put("/templates/of-names", json=body, headers=ORGANISER)
    assert code_of(answer) == (422, code)
    assert code_of(await client.get("/templates/of-names", headers=ORGANISER)) == (404, "template_unknown")


async def test_what_a_template_says_wrong_is_told_by_its_place(client: httpx.AsyncClient) -> None:
    body = body_of(template()) | {"blocks": [block("{nobody}")]}
    headers = ORGANISER | {"Accept-Language": "zh-CN"}
    answer = await client.put("/templates/of-names", json=body, headers=headers)
    [fault] = answer.json()["errors"]
    assert fault["code"] == "placeholder_unknown"
    assert "占位符" in fault["detail"]


async def test_a_revoked_award_and_one_of_an_erased_person_have_no_document(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    award = await an_award(client, known)
    path = f"/awards/{award['award_code']}/document.pdf"
    await client.post(f"/awards/{award['award_id']}/revoke", json={"reason": "授予有误"}, headers=ORGANISER)
    assert code_of(await client.get(path)) == (409, "document_of_revoked")
    await known.erase([award["recipient_id"]])
    assert code_of(await client.get(path, headers=ORGANISER)) == (404, "document_of_erased")
    assert code_of(await client.get("/awards/KW-00000-00000/document.pdf")) == (404, "award_unknown")
    assert code_of(await client.get("/awards/KW-1/document.pdf")) == (422, "award_code_malformed")


async def test_the_page_of_a_code_says_what_holds_in_the_readers_language(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    award = await an_award(client, known, title="<b>科普</b>先进单位")
    path = f"/verify/{award['award_code'].lower()}"
    page = await client.get(path, params={"version": "1"}, headers=BROWSER)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src" not in page.headers["content-security-policy"]
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "真实有效" in page.text
    assert "&lt;b&gt;科普" in page.text
    assert "<script" not in page.text
    assert "src=" not in page.text
    assert 'name="viewport"' in page.text
    english = await client.get(path, headers=BROWSER | {"Accept-Language": "en"})
    assert "Genuine and held" in english.text
    said = (await client.get(path)).json()
    assert (said["verdict"], said["award"]["award_code"]) == ("held", award["award_code"])

    await client.post(f"/awards/{award['award_id']}/revoke", json={"reason": "授予有误"}, headers=ORGANISER)
    revoked = await client.get(path, params={"version": "1"}, headers=BROWSER)
    assert "已撤销，无效" in revoked.text
    assert "授予有误" in revoked.text
    await known.erase([award["recipient_id"]])
    said = (await client.get(path)).json()
    assert (said["verdict"], said["name"], said["award"]["reason"]) == ("revoked", None, None)
    assert said["award"]["recipient_id"] is None
    wrong = await client.get("/verify/KW-1", headers=BROWSER)
    assert (wrong.status_code, wrong.headers["content-type"]) == (422, "text/html; charset=utf-8")


async def test_only_organisers_put_and_print_and_a_participants_token_is_checked(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    award = await an_award(client, known)
    for method, path, body in (
        ("PUT", "/templates/one", body_of(template())),
        ("GET", "/templates", None),
        ("POST", "/schemes/one/prints", {}),
        ("GET", "/schemes/one/prints/two/files/1.pdf", None),
    ):
        answer = await client.request(method, path, json=body, headers=as_participant("li"))
        assert code_of(answer) == (401, "organiser_key_missing"), path
    path = f"/awards/{award['award_code']}/document.pdf"
    assert (await client.get(path, headers={"Authorization": "Bearer x"})).status_code == 401
    holder = await client.get(path, headers=as_participant(award["recipient_id"]))
    assert holder.status_code == 200


async def test_an_organiser_opens_the_full_name_by_an_act_with_a_reason_and_not_by_reading(
    client: httpx.AsyncClient, known: KnownStore, database: Database
) -> None:
    of, person = scheme(kind="certificate"), new_id("person")
    await put(client, of)
    await known.add_participants([person])
    award = (await confer(client, of, person)).json()
    await NameStore(database).keep([named(person)], clock.now())
    path = f"/awards/{award['award_code']}/document.pdf"
    read = await client.get(path, headers=ORGANISER)
    assert "李*明" in texts(read.content)[0]
    assert "李小明" not in texts(read.content)[0]
    assert read.content == (await client.get(path)).content
    reason = "证书污损，重新打印"
    opened = await client.post(path, json={"reason": reason}, headers=ORGANISER)
    assert opened.status_code == 200, opened.text
    assert "李小明" in texts(opened.content)[0]
    acts = (await client.get("/acts", headers=ORGANISER)).json()["acts"]
    [act] = [one for one in acts if one["route"].endswith("/document.pdf")]
    assert act["details"] == {"people": 1, "award_id": award["award_id"], "reason": reason}
    assert (await client.post(path, json={}, headers=ORGANISER)).status_code == 422
