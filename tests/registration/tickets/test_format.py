"""The form of a ticket is what docs/integrating.md says: its example, with another library, reads ours."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.registration.check_in.scenes import KEY, OTHERS_KEY, holder, session_at, text_of

GUIDE = Path(__file__).parents[3] / "docs" / "integrating.md"
SECONDS = 30.0
HOLDER, SESSION = holder(3, round=2), session_at()


def run(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    [program] = re.findall(r"^```python\n(# ticket\.py.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    (folder / "ticket.py").write_text(program)
    key = {"key_id": KEY.public.key_id, "algorithm": "Ed25519", "public_key": KEY.public.public_key}
    (folder / "keys.json").write_text(json.dumps({"keys": [key]}))
    return subprocess.run(
        [sys.executable, "ticket.py", "keys.json", text],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_the_guides_example_reads_a_ticket(tmp_path: Path) -> None:
    done = run(tmp_path, text_of(HOLDER, SESSION))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "registration_id": HOLDER.registration_id,
        "round": 2,
        "places": 3,
        "valid_from": "2023-05-19T22:30:00+00:00",
        "valid_until": "2023-05-20T05:30:00+00:00",
        "session_id": SESSION.session_id,
    }


def test_the_guides_example_reads_a_ticket_for_many(tmp_path: Path) -> None:
    done = run(tmp_path, text_of(holder(500), SESSION))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["places"] == 500


def test_the_guides_example_refuses_what_we_have_not_signed(tmp_path: Path) -> None:
    done = run(tmp_path, text_of(HOLDER, SESSION, OTHERS_KEY))
    assert done.returncode != 0
    assert "InvalidSignature" in done.stderr
