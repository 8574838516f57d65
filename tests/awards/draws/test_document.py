"""What docs/draws.md says to strangers is true: its program draws the same."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from services.awards.draws.lottery import draw, list_line, read_list

DOCUMENT = Path(__file__).parents[3] / "docs" / "draws.md"
ENTRANTS = 100_000


def script_of_the_document() -> str:
    _, _, rest = DOCUMENT.read_text(encoding="utf-8").partition("```python\n")
    script, _, _ = rest.partition("```")
    return script


def test_the_script_of_the_document_draws_the_same_from_100_000_entrants(tmp_path: Path) -> None:
    ids = sorted(sha256(str(number).encode()).hexdigest()[:32] for number in range(ENTRANTS))
    text = "".join(list_line(one, 1 + place % 9) for place, one in enumerate(ids))
    (tmp_path / "entrants.txt").write_text(text)
    (tmp_path / "draw.py").write_text(script_of_the_document())
    seed = "9319./2.5.8.10.12./"
    ran = subprocess.run(
        [sys.executable, "draw.py", seed, "200"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    drawn = draw(read_list(text), sha256(text.encode()).hexdigest(), seed, 200)
    assert ran.stdout.split() == drawn
    assert len(set(drawn)) == 200


def test_the_script_is_as_short_as_the_document_says() -> None:
    assert len([line for line in script_of_the_document().splitlines() if line]) <= 20
