"""Pages: who gets one, what is escaped, what a page may load, and what its forms send."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Body, FastAPI
from jinja2 import UndefinedError
from pydantic import BaseModel, Field
from starlette.responses import Response

from shared.runtime.errors import Conflict, Invalid
from shared.web.pages.posted import FIELDS_MAX, PageForm, as_json, is_posted
from shared.web.pages.reader import AsReader, wants_page
from shared.web.pages.templates import HEADERS, STYLE, Pages
from tests.support.service import running
from tests.support.web import bare_app

BROWSER = {
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
    "accept-language": "zh-CN,zh;q=0.9,en;q=0.8",
}
POSTED = {"content-type": "application/x-www-form-urlencoded"}


class Said(BaseModel):
    words: str


class WordsIn(PageForm):
    words: str = Field(max_length=20)


def speaking(folder: Path) -> FastAPI:
    (folder / "said.html").write_text('{% extends "frame.html" %}{% block main %}{{ words }}{% endblock %}')
    pages = Pages(folder)
    app = bare_app()

    @app.get("/said", response_model=Said)
    async def said(reader: AsReader) -> Said | Response:
        return reader.answer(Said(words="…"), lambda: pages.page("said.html", reader.language, words="…"))

    @app.post("/said", response_model=Said)
    async def say(form: Annotated[WordsIn, Body()], reader: AsReader) -> Said | Response:
        if form.words == "no":
            raise Conflict("<b>full</b>", code="session_full")
        answer = Said(words=form.words)
        return reader.answer(answer, lambda: pages.page("said.html", reader.language, words=form.words))

    @app.post("/json")
    async def only_json(form: Annotated[Said, Body()]) -> Said:
        return form

    return app


@asynccontextmanager
async def client(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with running(speaking(folder)) as one:
        yield one


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        (BROWSER["accept"], True),
        ("text/html", True),
        ("TEXT/HTML;q=0.5, application/json;q=0.4", True),
        ("application/json, text/html;q=0.9", False),
        ("application/json", False),
        ("text/html;q=0", False),
        ("*/*", False),
        ("", False),
        ("text/html;q=nonsense", True),
        ("," * 100_000, False),
    ],
)
def test_a_page_is_for_who_names_html_and_does_not_prefer_json(accept: str, page: bool) -> None:
    assert wants_page(accept.encode()) is page


async def test_one_route_answers_programs_and_browsers_and_says_by_what_it_varies(tmp_path: Path) -> None:
    async with client(tmp_path) as one:
        program, browser = await one.get("/said"), await one.get("/said", headers=BROWSER)
        assert program.json() == {"words": "…"}
        assert browser.headers["content-type"] == "text/html; charset=utf-8"
        assert '<html lang="zh-CN">' in browser.text
        for answer in (program, browser):
            assert answer.headers["vary"] == "Accept, Accept-Language"
            assert answer.headers["cache-control"] == "no-store"
        assert "vary" not in (await one.post("/json", json={"words": "a"})).headers


async def test_a_page_loads_nothing_and_tells_nobody_its_address(tmp_path: Path) -> None:
    async with client(tmp_path) as one:
        for answer in (
            await one.get("/said", headers=BROWSER),
            await one.post("/said", json={"words": "no"}, headers=BROWSER),
        ):
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; style-src 'sha256-")
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert not re.search(r"<script|<link|<img|src=|https?:|url\(|@import", answer.text)
            # What the policy allows is the style that the page has.
            [style] = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
            assert f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in policy


async def test_what_somebody_has_sent_is_never_markup(tmp_path: Path) -> None:
    async with client(tmp_path) as one:
        for words in ("<script>x</script>", "'\"&<", "</main><b>"):
            page = await one.post("/said", data={"words": words}, headers=BROWSER)
            assert page.status_code == 200
            assert words not in page.text
        refused = await one.post("/said", data={"words": "no"}, headers=BROWSER | {"accept-language": "fr"})
        assert "&lt;b&gt;full&lt;/b&gt;" in refused.text


async def test_refusals_of_a_route_with_pages_are_pages_with_the_same_status_and_code(tmp_path: Path) -> None:
    async with client(tmp_path) as one:
        sent: list[tuple[int, dict[str, Any]]] = [
            (409, {"data": {"words": "no"}}),
            (422, {"data": {"words": "a" * 21}}),
            (422, {"data": {"words": "a", "more": "b"}}),
            (422, {"content": "words=a&words=b", "headers": POSTED}),
            (422, {"content": "words=%ff", "headers": POSTED}),
            (415, {"content": "a", "headers": {"content-type": "text/plain"}}),
            (413, {"content": "words=" + "a" * 20_000, "headers": POSTED}),
        ]
        for status, request in sent:
            headers = request.pop("headers", {})
            problem = await one.post("/said", **request, headers=headers)
            page = await one.post("/said", **request, headers=headers | BROWSER)
            assert problem.headers["content-type"] == "application/problem+json"
            assert (problem.status_code, page.status_code) == (status, status)
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            assert problem.json()["code"] in page.text


async def test_a_form_is_read_as_strictly_as_json_and_only_where_it_is_declared(tmp_path: Path) -> None:
    async with client(tmp_path) as one:
        assert (await one.post("/said", data={"words": "你好 + &"})).json() == {"words": "你好 + &"}
        assert (await one.post("/said", json={"words": "a"})).json() == {"words": "a"}
        problem = (await one.post("/said", data={"more": "b"})).json()
        assert {fault["field"] for fault in problem["errors"]} == {"body.words", "body.more"}
        assert (await one.post("/json", data={"words": "a"})).status_code == 415


def test_a_form_has_a_bounded_number_of_fields() -> None:
    fields = [f"f{number}=" for number in range(FIELDS_MAX + 1)]
    assert as_json("&".join(fields[:-1]).encode()).count(b":") == FIELDS_MAX
    with pytest.raises(Invalid) as refused:
        as_json("&".join(fields).encode())
    assert refused.value.faults[0].code == "too_long"


def test_only_one_content_type_is_a_form() -> None:
    assert is_posted(b"application/x-www-form-urlencoded; charset=utf-8")
    assert not is_posted(b"multipart/form-data; boundary=a")
    assert not is_posted(None)


def test_a_template_that_names_what_is_not_there_fails(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("{{ nothing }}")
    with pytest.raises(UndefinedError):
        Pages(tmp_path).page("a.html", "en")


def test_the_style_could_not_end_its_element() -> None:
    assert "<" not in STYLE
    assert "unsafe" not in HEADERS["content-security-policy"]
