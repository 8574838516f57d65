"""What the documents name is there, their links lead somewhere, and their tables are those of the code."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from ops.documents import sections
from ops.documents.finding import NotFound, constant, files_of_test
from ops.documents.values import in_words
from shared.contracts.topics import WEEKS_KEPT

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("services/*/README.md")])
# A path of ours, and perhaps what it holds behind two colons; `::name` alone is of the file before.
NAMED = re.compile(
    r"`((?!services/NAME)(?:shared|services|ops|bench|tests|docs|deploy|sample|contracts)/[A-Za-z0-9_./-]*)?"
    r"(?:::([A-Za-z_.0-9]+))?`"
)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
FENCED = re.compile(r"```.*?```", re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# In these, the capitals stand for a name: contracts/released/VERSION/.
STANDS_FOR = re.compile(r"[A-Z]{4,}")


def missing(text: str) -> list[str]:
    """The files, folders and names that a document speaks of and that are not there."""
    gone: list[str] = []
    file = ROOT
    for path, held in NAMED.findall(text):
        if path and not STANDS_FOR.search(path):
            file = ROOT / path
            if not (file.is_dir() if path.endswith("/") else file.exists()):
                gone.append(path)
        if held and file.is_file() and held.rpartition(".")[2] not in defined_in(file):
            gone.append(f"{file.relative_to(ROOT)}::{held}")
    return gone


@cache
def defined_in(file: Path) -> frozenset[str]:
    """All functions, classes and names that a module defines, also those inside of others."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return frozenset(names)


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = HEADING.findall(FENCED.sub("", document.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def dead_links(document: Path) -> list[str]:
    """Links within the project that lead nowhere."""
    dead = []
    for path, anchor in LINK.findall(FENCED.sub("", document.read_text())):
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            dead.append(f"{path}#{anchor}" if anchor else path)
    return dead


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_is_there_and_holds_what_it_says(document: Path) -> None:
    assert missing(document.read_text()) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    assert dead_links(document) == []


def test_what_is_not_there_is_noticed() -> None:
    gone = "_".join(("no", "such", "test"))
    text = f"`shared/none.py`, `shared/none/`, `tests/test_documents.py::missing`, `::{gone}`"
    assert missing(text) == ["shared/none.py", "shared/none/", f"tests/test_documents.py::{gone}"]


def test_a_dead_link_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# A heading, with a comma\n")
    document = tmp_path / "document.md"
    document.write_text("[a](other.md#a-heading-with-a-comma) [b](other.md#none) [c](gone.md)")
    assert dead_links(document) == ["other.md#none", "gone.md"]


LOOPS = re.compile(r'(?:Loop|Backlog)\(\s*"(\w+)"')


def test_the_readme_of_registration_has_a_row_for_each_loop() -> None:
    room = ROOT / "services/registration"
    loops = {name for path in room.rglob("*.py") for name in LOOPS.findall(path.read_text())}
    readme = (room / "README.md").read_text()
    assert len(loops) > 5
    assert [name for name in sorted(loops) if f"\n| `{name}` |" not in readme] == []


BODY_BOUND = re.compile(r"\b(?:max_body_size|body_bytes_max)=([A-Z_]+)")
BODY_ROW = re.compile(r"^\| Body of [^|]*\| [^|]* \| 413 \| `(\w+)` in `[^`]*` \|$", re.MULTILINE)


def test_each_bound_of_a_body_has_a_row_of_its_own() -> None:
    of_routes = {
        name for path in (ROOT / "services").rglob("*.py") for name in BODY_BOUND.findall(path.read_text())
    }
    assert len(of_routes) > 5
    rows = BODY_ROW.findall((ROOT / "docs/limits.md").read_text())
    assert sorted(rows) == sorted({*of_routes, "BODY_BYTES_MAX"})


def test_each_decision_has_a_row() -> None:
    folder = ROOT / "docs/decisions"
    rows = re.findall(r"^\| \[\d{4}\]\(([^)]+)\) \|", (folder / "README.md").read_text(), re.MULTILINE)
    assert rows == sorted(path.name for path in folder.glob("0*.md"))


CHANGES = re.compile(r"(?:refines|replaces|supersedes)([^.\n]*)", re.IGNORECASE)
NUMBER = re.compile(r"\[(\d{4})\]")


def test_a_decision_that_a_later_one_changes_says_so_at_its_top() -> None:
    paths = (ROOT / "docs/decisions").glob("0*.md")
    tops = {path.name[:4]: path.read_text().partition("\n## ")[0] for path in paths}
    changed = [
        (earlier, later)
        for later, top in sorted(tops.items())
        for words in CHANGES.findall(top)
        for earlier in NUMBER.findall(words)
        if earlier < later
    ]
    assert len(changed) > 5
    assert [(earlier, later) for earlier, later in changed if later not in tops[earlier]] == []


def test_tables_are_those_of_the_code() -> None:
    assert sections.outdated() == []


def test_a_table_that_somebody_has_edited_is_noticed() -> None:
    text = f"{sections.BEGIN.format('x')}\n\n| edited |\n\n{sections.END.format('x')}"
    assert sections.filled(text, {"x": lambda: "| made |"}) != text


def test_a_table_without_its_marks_is_noticed() -> None:
    with pytest.raises(sections.NoMarks):
        sections.filled("no marks", {"x": lambda: "| made |"})


def test_a_constant_is_found_by_its_name_with_its_value() -> None:
    found = constant("shared:WEEKS_KEPT")
    assert found.value == WEEKS_KEPT
    assert (ROOT / found.file).is_file()


@pytest.mark.parametrize("gone", ["shared:NO_SUCH_BOUND", "shared/messaging:ConsumerPolicy.no_such_bound"])
def test_a_constant_that_is_gone_is_noticed(gone: str) -> None:
    with pytest.raises(NotFound):
        constant(gone)


def test_a_test_that_is_gone_is_noticed() -> None:
    with pytest.raises(NotFound):
        files_of_test("_".join(("test", "that", "is", "gone")))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("BODY_BYTES_MAX", 16_384, "16 KiB"),
        ("QUIZ_BYTES_MAX", 2_097_152, "2 MiB"),
        ("WINDOW_SECONDS", 0.04, "40 ms"),
        ("TOKEN_DAYS", 30, "30 days"),
        ("TRANSACTION_MS_MAX", 2_000, "2 s"),
        ("ITEMS_MAX", 8_000, "8,000"),
        ("Limits.body_bytes_per_second_min", 16_384, "16 KiB a second"),
    ],
)
def test_values_are_told_with_their_units(name: str, value: float, words: str) -> None:
    assert in_words(name, value) == words
