"""The pages as files: nothing is missing, nothing is inline, and all words are there in both languages."""

import gzip
import re
import tomllib
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from pages.build import LANGUAGES, SITE, build, imported, version_of

FIRST_VIEW_BYTES_MAX = 100_000
PAGES = tomllib.loads((SITE / "pages.toml").read_text())
MODULES = sorted(path for folder in ("parts", "views") for path in (SITE / folder).glob("*.js"))


# Parts of the pages that have words of their own; "" for those of all pages.
PARTS = sorted({"", *(f"{part}." for page in PAGES.values() for part in page.get("words", ()))})


@cache
def words(language: str, part: str = "") -> dict[str, str]:
    """The words of a language; `{name}` in them are values."""
    text = (SITE / "words" / f"{part}{language}.js").read_text()
    pairs = re.findall(r'^  "([^"]+)": "((?:[^"\\]|\\.)*)",$', text, re.MULTILINE)
    # Every line between the first and the last one is one.
    assert len(pairs) == len(text.strip().splitlines()) - 2
    assert len(dict(pairs)) == len(pairs), "a key stands twice"
    return dict(pairs)


def values(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@cache
def files_of(view: Path) -> frozenset[Path]:
    """A view, and all that it imports."""
    return frozenset({view, *imported(view)})


def known_to(module: Path) -> set[str]:
    """The keys that this module can ask for: those of all pages that use it."""
    pages = [page for page in PAGES.values() if module in files_of(view_of(page))]
    parts = [{"", *(f"{part}." for part in page.get("words", ()))} for page in pages]
    return {key for part in set.intersection(set(PARTS), *parts) for key in words("en", part)}


def view_of(page: dict[str, Any]) -> Path:
    return SITE / "views" / f"{page['view']}.js"


def test_all_parts_have_their_words() -> None:
    there = {path.name for path in (SITE / "words").glob("*.js")}
    assert there == {f"{part}{language}.js" for part in PARTS for language in LANGUAGES}


@pytest.mark.parametrize("part", PARTS)
def test_all_words_are_there_in_both_languages_with_the_same_values(part: str) -> None:
    chinese, english = (words(language, part) for language in LANGUAGES)
    assert list(chinese) == list(english)
    assert {key for key in chinese if values(chinese[key]) != values(english[key])} == set()


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_module_asks_only_for_words_that_are_there(module: Path) -> None:
    known = known_to(module)
    for key in re.findall(r'\bt\("([^"]+)"', module.read_text()):
        assert key in known
    # Such as t(`outcome.${status}`): some words begin so.
    for beginning in re.findall(r"\b(?:t|named)\([`\"]([a-z-]+[.-])(?=\$|\")", module.read_text()):
        assert any(key.startswith(beginning) for key in known), beginning


def test_no_words_are_there_that_nothing_asks_for() -> None:
    code = "".join(path.read_text() for path in MODULES)
    beginnings = set(re.findall(r"`([a-z-]+\.[a-z-]*)\$\{", code)) | {
        f"{prefix}." for prefix in re.findall(r'named\("([a-z-]+)"', code)
    }
    unasked = {
        key
        for key in chain.from_iterable(words("en", part) for part in PARTS)
        if f'"{key}"' not in code and not any(key.startswith(beginning) for beginning in beginnings)
    }
    assert unasked == set()


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_view_has_all_its_values_before_it_shows_its_page(module: Path) -> None:
    # Showing may wait for requests. What stands below it is not there yet when their answers are drawn.
    shown = re.split(r"(?m)^(?:await )?show(?:ToOrganisers)?\(", module.read_text(), maxsplit=1)
    assert re.findall(r"^(?:const|let) .*", "".join(shown[1:]), re.MULTILINE) == []


@pytest.mark.parametrize("page", PAGES.values(), ids=list(PAGES))
def test_a_page_has_a_view_and_all_that_it_imports(page: dict[str, Any]) -> None:
    assert all(path.exists() for path in files_of(view_of(page)))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all pages, as this machine serves them."""
    folder = tmp_path_factory.mktemp("pages")
    build(folder, local=True)
    return folder


def test_nothing_stands_inline_and_nothing_comes_from_elsewhere(built: Path) -> None:
    for page in built.glob("*.html"):
        html = page.read_text()
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html), page
        assert re.findall(r'(?:src|href)="(?!/)', html) == []
    for module in MODULES:
        # Views write no styles and no handlers of HTML: the policy of the pages would refuse them.
        assert not re.search(r'\sstyle=|\son\w+="|innerHTML|https?://(?!www\.w3\.org)', module.read_text()), (
            module
        )


@pytest.mark.parametrize("name", PAGES)
def test_the_first_view_is_small(name: str, built: Path) -> None:
    html = built / f"{name}.html"
    named = re.findall(r'(?:src|href)="(/assets/[^"]+)"', html.read_text())
    assert len(named) > 5
    files = [html, *(built / path[1:] for path in named)]
    # Words that the page does not name: it asks for those of one language and its parts.
    words_folder = (built / named[0][1:]).parent / "words"
    asked_for = [
        words_folder / f"{part}{LANGUAGES[0]}.js"
        for part in ("", *(f"{part}." for part in PAGES[name].get("words", ())))
    ]
    unnamed = [weight(path) for path in asked_for if path not in files]
    first = sum(map(weight, files))
    assert first + max(unnamed, default=0) < FIRST_VIEW_BYTES_MAX / 2
    assert first + sum(unnamed) < FIRST_VIEW_BYTES_MAX


def weight(path: Path) -> int:
    """The bytes of a file as it is sent."""
    return path.with_name(path.name + ".gz").stat().st_size


def test_what_is_compressed_is_what_is_not(tmp_path: Path) -> None:
    build(tmp_path)
    compressed = list(tmp_path.rglob("*.gz"))
    assert compressed
    for path in compressed:
        assert gzip.decompress(path.read_bytes()) == path.with_suffix("").read_bytes()


def test_a_change_of_any_file_gives_all_another_address(tmp_path: Path) -> None:
    (tmp_path / "one.js").write_text("1")
    (tmp_path / "other.js").write_text("2")
    before = version_of(tmp_path)
    assert version_of(tmp_path) == before
    (tmp_path / "other.js").write_text("3")
    changed = version_of(tmp_path)
    (tmp_path / "other.js").rename(tmp_path / "third.js")
    assert len({before, changed, version_of(tmp_path)}) == 3


def test_pages_for_trying_are_only_there_if_asked_for(tmp_path: Path) -> None:
    build(tmp_path)
    assert not (tmp_path / "mail.html").exists()
    build(tmp_path, local=True)
    assert (tmp_path / "mail.html").exists()


def test_the_worker_keeps_all_files_of_its_version(tmp_path: Path) -> None:
    build(tmp_path)
    worker = (tmp_path / "worker.js").read_text()
    listed = set(re.findall(r'^  "(/assets/[^"]+)"', worker, re.MULTILINE))
    assert '  "/contest",' in worker
    there = {
        f"/{path.relative_to(tmp_path)}"
        for path in (tmp_path / "assets").rglob("*")
        if path.suffix in {".js", ".css"}
    }
    # What only pages use that devices do not keep.
    unkept = {name for name, page in PAGES.items() if page.get("local") or not page.get("kept", True)}
    assert "organise" in unkept
    needed = {SITE / "views" / f"{page['view']}.js" for name, page in PAGES.items() if name not in unkept}
    needed |= {path for view in needed for path in imported(view, later=True)}
    needed |= {
        SITE / "words" / f"{part}.{language}.js"
        for name, page in PAGES.items()
        if name not in unkept
        for part in page.get("words", ())
        for language in LANGUAGES
    }
    # Below the folder that is named by the version.
    missing = {SITE.joinpath(*Path(path).parts[3:]) for path in there - listed} & needed
    assert missing == set()
    assert len(there - listed) > len(unkept)
    for name in unkept:
        assert f'  "/{name}",' not in worker
        assert not any(path.endswith(f"/views/{name}.js") for path in listed)
