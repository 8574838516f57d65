"""The catalogue of events: each has a page with words for all that it shows, and links lead somewhere."""

import ast
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ops.documents import sections
from ops.documents.catalogue import codes, flow, pages, words
from ops.documents.catalogue.facts import Fact, all_facts
from ops.documents.finding import ROOT
from shared.contracts import events, topics

FACTS = all_facts()
NAMES = [fact.name for fact in FACTS]
# Elements that fetch something or run something, and attributes that do.
ACTIVE = {"script", "iframe", "object", "embed", "img", "form"}


class Page(HTMLParser):
    """What a page has: elements, links, ids and text; elements that are not closed in order are an error."""

    VOID = frozenset({"meta", "link", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name in ("href", "src"):
                self.links.append(value or "")
            if name == "id":
                self.ids.add(value or "")
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(name: str) -> Page:
    return Page((ROOT / pages.FOLDER / name).read_text())


def test_each_event_has_a_page_and_the_index_leads_to_all() -> None:
    assert [contract.topic for contract in events.ALL] == NAMES
    index = page_of("index.html")
    assert {f"{name}.html" for name in NAMES} <= set(index.links)
    assert {path.name for path in (ROOT / pages.FOLDER).iterdir()} == {
        "index.html", "style.css", *(f"{name}.html" for name in NAMES),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["index", *NAMES])
def test_every_link_leads_to_a_file_here_and_nothing_runs_or_is_fetched(name: str) -> None:
    page = page_of(f"{name}.html")
    for link in page.links:
        target, _, anchor = link.partition("#")
        assert not re.match(r"[a-z]+:|//", link), link
        path = (ROOT / pages.FOLDER / target).resolve() if target else ROOT / pages.FOLDER / f"{name}.html"
        assert path.is_file(), link
        if anchor:
            assert anchor in Page(path.read_text()).ids
    assert not page.elements & ACTIVE
    assert not [one for one in page.attributes if one.startswith("on") or one == "style"]


def test_the_style_fetches_nothing() -> None:
    assert not re.search(r"url\(|@import", (ROOT / pages.FOLDER / "style.css").read_text())


@pytest.mark.parametrize("fact", FACTS, ids=NAMES)
def test_a_page_says_who_reads_and_writes_every_field_and_every_code(fact: Fact) -> None:
    text = page_of(f"{fact.name}.html").text
    said = words.of_event(fact.name)
    for part in (said.happened, said.when, said.react, words.of_key(fact.contract.key_field)):
        assert part.replace("`", "") in text
    for field, meaning in fact.fields:
        assert field.path in text
        assert meaning.replace("`", "") in text
    for reader in fact.readers:
        assert reader.dead_topic in text
        for code in (*reader.codes, *codes.OF_ALL):
            assert words.of_code(code).replace("`", "") in text
    for writer in fact.writers:
        assert writer in text
    assert fact.example["headers"]["ce_id"] in text
    assert fact.contract.type in text
    assert fact.releases


def test_words_that_belong_to_nothing_are_noticed() -> None:
    said = words.all_words()
    assert set(said["event"]) == set(NAMES)
    assert set(said["keys"]) == {contract.key_field for contract in events.ALL}
    assert set(said["codes"]) == {
        *codes.OF_ALL,
        *(code for found in codes.OF_GROUP.values() for code in found),
    }
    paths = {(fact.name, field.path.replace("[]", "")) for fact in FACTS for field, _ in fact.fields}
    special = {tuple(reversed(name.split("@"))) for name in said["fields"] if "@" in name}
    assert special <= paths
    # A name that every event explains on its own needs no words for all.
    plain = {path.rpartition(".")[2] for topic, path in paths if (topic, path) not in special}
    assert {name for name in said["fields"] if "@" not in name} == plain


@pytest.mark.parametrize(
    "ask",
    [
        lambda: words.of_event("quiz.opened"),
        lambda: words.of_field("quiz.closed", "standings[].colour"),
        lambda: words.of_key("colour"),
        lambda: words.of_code("colour_wrong"),
    ],
)
def test_what_has_no_words_is_named_with_the_file_to_write_them_in(ask: Callable[[], str]) -> None:
    with pytest.raises(words.NoWords, match=r"ops/documents/catalogue/events\.toml"):
        ask()


def test_words_are_sentences() -> None:
    said = words.all_words()
    texts = [text for one in said["event"].values() if isinstance(one, dict) for text in one.values()]
    texts += [str(text) for table in ("keys", "codes", "fields") for text in said[table].values()]
    assert [text for text in texts if not text.endswith(".") or text.count("`") % 2] == []


def test_the_codes_of_each_group_are_those_that_its_handlers_declare() -> None:
    declaring = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "services").rglob("handlers.py")
        if any(
            isinstance(node, ast.Assign)
            and [getattr(one, "id", "") for one in node.targets] == ["DEAD_LETTER_CODES"]
            for node in ast.parse(path.read_text()).body
        )
    }
    source = Path(codes.__file__).read_text()
    imported = {
        f"{module.replace('.', '/')}.py"
        for module in re.findall(r"^from (services\S+)", source, re.MULTILINE)
    }
    assert declaring == imported
    groups = {group for topic in topics.LIVE for group in topic.groups}
    assert set(codes.OF_GROUP) <= groups


def test_the_picture_has_an_arrow_for_each_way_of_events() -> None:
    found = {arrow.title.partition(":")[0]: arrow.count for arrow in flow.arrows(FACTS)}
    assert found["other systems to registration"] == 1
    expected = {
        f"{writer} to {reader.service}"
        for fact in FACTS
        for writer in fact.writers
        for reader in fact.readers
        if writer != reader.service
    }
    assert set(found) == expected
    for service in flow.SERVICES:
        one = flow.of_service(service, FACTS)
        assert one.reads
        assert one.writes


def test_prose_links_events_and_escapes_everything_else() -> None:
    assert pages.prose("`quiz.closed` & `<b>`") == (
        '<a href="quiz.closed.html"><code>quiz.closed</code></a> &amp; <code>&lt;b&gt;</code>'
    )


def test_a_page_that_belongs_to_no_event_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "quiz.opened.html").write_text("")
    (tmp_path / "quiz.closed.html").write_text("")
    made = {f"{tmp_path.name}/quiz.closed.html"}
    assert sections.stale(made, [tmp_path.name], tmp_path.parent) == [f"{tmp_path.name}/quiz.opened.html"]
    assert sections.stale() == []
