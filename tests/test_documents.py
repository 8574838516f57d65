"""What the documents name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("services/*/README.md")])
# A path of ours, and perhaps what it holds behind two colons; `::name` alone is of the file before.
NAMED = re.compile(
    r"`((?!services/NAME)(?:shared|services|ops|bench|tests|docs|deploy)/[A-Za-z0-9_./-]+\.[a-z]+)?"
    r"(?:::([A-Za-z_.0-9]+))?`"
)


def missing(text: str) -> list[str]:
    """The files and names that a document speaks of and that are not there."""
    gone: list[str] = []
    file = ROOT
    for path, held in NAMED.findall(text):
        if path:
            file = ROOT / path
            if not file.is_file():
                gone.append(path)
        if held and file.is_file() and held.rpartition(".")[2] not in file.read_text():
            gone.append(f"{file.relative_to(ROOT)}::{held}")
    return gone


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_is_there_and_holds_what_it_says(document: Path) -> None:
    assert missing(document.read_text()) == []


def test_what_is_not_there_is_noticed() -> None:
    gone = "_".join(("no", "such", "test"))
    text = f"`shared/none.py`, `tests/test_documents.py::missing`, `::{gone}`"
    assert missing(text) == ["shared/none.py", f"tests/test_documents.py::{gone}"]
