"""The slides of the hall: what is on them, who may see them, and what the page may load."""

import base64
import hashlib
import re
from collections.abc import Collection, Mapping
from html.parser import HTMLParser

import httpx
import msgspec
import pytest

from services.awards.ceremonies.page import (
    COLUMN_WIDTH,
    LINE_WIDTH,
    NAMES_MAX,
    ROWS_MAX,
    SCRIPT,
    STYLE,
    Slide,
    hall_page,
    slides_of,
    width,
)
from services.awards.ceremonies.rules import Item, running_order
from services.awards.ceremonies.script import Script
from services.awards.known.store import KnownStore
from services.awards.names.rules import Named
from tests.awards.builders import prizes
from tests.awards.ceremonies.builders import award, ceremony, conferred, put_ceremony
from tests.support.service import ORGANISER, code_of


class Shown(msgspec.Struct, frozen=True):
    text: str | None
    unit: str | None = None


def script(names: Mapping[str, Named], people: int = 1, group_size: int = 50) -> Script:
    of = prizes("quiz", gold=people)
    called = ceremony(Item(scheme_id=of.scheme_id, group_size=group_size), title_en="Awards")
    awards = [award(of.scheme_id, nth, "gold") for nth in range(people)]
    calls = running_order(called, {of.scheme_id: of}, [awards])
    return Script(called, calls, names, frozenset(), {}, {})


def slides(*names: Named) -> list[Slide]:
    return slides_of(script({f"p{nth}": one for nth, one in enumerate(names)}, len(names)), "zh-CN")


def test_names_are_as_their_holders_show_them() -> None:
    [slide] = slides_of(script({"p0": Shown("李*明"), "p1": Shown(None)}, 3), "zh-CN")
    assert [one.name for one in slide.recipients] == ["李*明", "（姓名不公开）", "p2"]


def test_a_slide_has_as_many_names_as_are_read_from_the_last_row() -> None:
    many = slides(*[Shown("欧阳娜娜", "第一中学")] * (NAMES_MAX + 1))
    assert [len(slide.recipients) for slide in many] == [NAMES_MAX, 1]
    assert [slide.layout for slide in many] == ["columns", "units"]
    assert all(one.unit is None for one in many[0].recipients)
    long = slides(*[Shown("买" * (COLUMN_WIDTH // 2 + 1))] * (ROWS_MAX + 1))
    assert [(slide.layout, len(slide.recipients)) for slide in long] == [("lines", ROWS_MAX), ("lines", 1)]
    longest = slides(Shown("A" * (3 * LINE_WIDTH)), Shown("B" * (3 * LINE_WIDTH)))
    assert [len(slide.recipients) for slide in longest] == [1, 1]


@pytest.mark.parametrize(("text", "wide"), [("李明", 4), ("Li", 2), ("e\u0301", 1), ("ＡＢ", 4)])
def test_the_width_of_a_name(text: str, wide: int) -> None:
    assert width(text) == wide


class Loads(HTMLParser):
    """What a page loads, and whether it has code of its own."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded: dict[str, str | None] = {}
        self.inline: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.tags.append(tag)
        if url := said.get("src") or (said.get("href") if tag == "link" else None):
            self.loaded[url] = said.get("integrity")
        self.inline += [name for name in said if name == "style" or name.startswith("on")]


def sha384(content: bytes) -> str:
    return f"sha384-{base64.b64encode(hashlib.sha384(content).digest()).decode()}"


def test_the_page_loads_its_own_script_and_style_and_nothing_else() -> None:
    answer = hall_page(script({"p0": Shown("<script>alert(1)</script>")}), "zh-CN", 8)
    page = bytes(answer.body).decode()
    found = Loads(page)
    assert found.loaded == {"slides.js": sha384(SCRIPT), "slides.css": sha384(STYLE)}
    assert (found.inline, found.tags.count("script"), "style" in found.tags) == ([], 1, False)
    assert "&lt;script&gt;alert(1)" in page
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    # Nothing of the style or the script names another address.
    assert re.findall(rb"url\(|@import|https?:|fetch|XMLHttp|cookie|eval", SCRIPT + STYLE) == []


def test_the_language_and_the_seconds_are_those_of_the_link() -> None:
    chinese, english = (bytes(hall_page(script({}), one, 12).body).decode() for one in ("zh-CN", "en"))
    assert '<html lang="zh-CN" data-seconds="12">' in chinese
    assert "<h1>颁奖典礼</h1>" in chinese
    assert "<h1>Awards</h1>" in english
    assert "space pause" in english


async def page(client: httpx.AsyncClient, code: str, **query: str) -> httpx.Response:
    return await client.get(f"/hall/{code}", params=query, headers={"accept": "text/html"})


async def link(client: httpx.AsyncClient) -> str:
    made = await client.post("/ceremonies/closing/hall-link", headers=ORGANISER)
    assert made.status_code == 201, made.text
    code: str = made.json()["hall_code"]
    return code


def titles(ids: Collection[str], text: str) -> set[str]:
    return {one for one in ids if one in text}


@pytest.mark.stack
async def test_a_link_shows_the_slides_until_it_ends(client: httpx.AsyncClient, known: KnownStore) -> None:
    of, codes = await conferred(client, known, 2)
    assert code_of(await client.post("/ceremonies/closing/hall-link", headers=ORGANISER))[0] == 404
    await put_ceremony(client, ceremony(Item(scheme_id=of.scheme_id)))
    assert (await client.post("/ceremonies/closing/hall-link")).status_code == 401
    first = await link(client)
    shown = await page(client, first, language="en", seconds="5")
    assert shown.status_code == 200
    assert shown.headers["content-type"].startswith("text/html")
    assert "set-cookie" not in shown.headers
    assert titles(codes, shown.text) == set(codes)
    # Codes lead to more about an award than a hall has to see.
    assert titles(codes.values(), shown.text) == set()
    second = await link(client)
    for gone in (first, "guessed"):
        assert (await page(client, gone)).status_code == 404
    [person, _] = codes
    await known.erase([person])
    assert titles(codes, (await page(client, second)).text) == set(codes) - {person}
    for _ in range(2):
        assert (await client.delete("/ceremonies/closing/hall-link", headers=ORGANISER)).status_code == 204
    assert (await page(client, second)).status_code == 404
    assert (await client.get(f"/hall/{second}")).json()["code"] == "hall_link_unknown"


@pytest.mark.stack
async def test_the_script_and_the_style_are_for_everybody(client: httpx.AsyncClient) -> None:
    script_, style = [await client.get(f"/hall/slides.{kind}") for kind in ("js", "css")]
    assert script_.headers["content-type"].startswith("text/javascript")
    assert style.headers["content-type"].startswith("text/css")
    assert (script_.content, style.content) == (SCRIPT, STYLE)
