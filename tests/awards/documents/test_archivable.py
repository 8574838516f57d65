"""veraPDF finds that documents are PDF/A-2b, as archives ask for."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from ops.stack.errors import StackError
from ops.stack.jars import Jar, fetch_jars
from ops.stack.java import find_java
from services.awards.documents.defaults import DEFAULTS
from services.awards.documents.fonts import Fonts
from services.awards.documents.typeset import Typesetter
from tests.awards.documents.builders import AT, page, png, template
from tests.awards.documents.test_typeset import NAMES

VERA = Jar(
    "org.verapdf.apps",
    "greenfield-apps",
    "1.28.2",
    "687d4d8bcfec48c9f7e931cf78ed061f1eeccfba55d4cdc000ba9b4d8aa46ce6",
)
SECONDS_MAX = 120


def vera() -> list[str]:
    """The command that checks PDF files; skips the test where it cannot be had."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    try:
        java = find_java(os.environ)
        [jar] = fetch_jars(base / "kepu" / f"vera-{VERA.version}", lambda told: None, others=[VERA])
    except StackError as error:
        pytest.skip(f"veraPDF cannot be had here: {error}")
    return [str(java), "-cp", str(jar), "org.verapdf.apps.GreenfieldCliWrapper", "--format", "text"]


async def test_documents_are_archivable(tmp_path: Path) -> None:
    command = vera()
    typesetter = Typesetter(Fonts())
    picture = {"x": 200, "y": 150, "width": 30, "png": png()}
    drawn = {kind: [of] for kind, of in DEFAULTS.items()}
    cases = [(of, "李明", kind) for kind, [of] in drawn.items()]
    files = []
    try:
        for number, (of, name, kind) in enumerate(cases):
            pdf = await typesetter.document(of, [page(of, name, "一中", kind=kind)], "zh-CN", AT)
            files.append(tmp_path / f"{number}.pdf")
            files[-1].write_bytes(pdf)
        of = template(paper={"width": 240, "height": 210}, pictures=[picture])
        files.append(tmp_path / "names.pdf")
        pages = [page(of, name) for name in NAMES]
        files[-1].write_bytes(await typesetter.document(of, pages, "en", AT))
    finally:
        typesetter.close()
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(files[0].read_bytes().replace(b"pdfaid:part", b"pdfaid:parx"))

    checked = await asyncio.to_thread(
        subprocess.run,
        [*command, "--flavour", "2b", *map(str, files), str(broken)],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    verdicts = {Path(line.split()[1]).name: line.split()[0] for line in checked.stdout.splitlines()}
    assert verdicts == {one.name: "PASS" for one in files} | {"broken.pdf": "FAIL"}, checked
