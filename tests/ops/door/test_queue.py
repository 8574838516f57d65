"""What a door has scanned survives a kill, and its door does not let it in again."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.door.queue import QueueInUse, ScanQueue
from ops.door.verifier import Ruling
from services.registration.check_in.list_for_door import LIST_SIGNED_AS
from tests.registration.check_in.scenes import KEY, holder, session_at, text_of

NOW = datetime(2023, 5, 20, 2, 0, tzinfo=UTC)
SECONDS = 30.0


def signed_list(session_id: str = "street-1") -> dict[str, object]:
    """The file that `kepu door load` writes, of a session that is on now."""
    now = datetime.now(UTC)
    content = {
        "session_id": session_id,
        "starts_at": (now - timedelta(minutes=30)).isoformat(),
        "ends_at": (now + timedelta(minutes=30)).isoformat(),
        "door_opens_at": (now - timedelta(hours=1)).isoformat(),
        "door_closes_at": (now + timedelta(hours=1)).isoformat(),
        "cancelled": False,
        "entries": [],
        "page_begins": 0,
        "next_page": None,
        "made_at": now.isoformat(),
    }
    text = json.dumps(content)
    key = {"key_id": KEY.public.key_id, "public_key": KEY.public.public_key}
    signature = KEY.signature_of(LIST_SIGNED_AS + text.encode())
    return {
        "keys": {"keys": [key]},
        "pages": [{"list": text, "key_id": KEY.public.key_id, "signature": signature}],
    }


def scanning(folder: Path) -> subprocess.Popen[str]:
    """The command that a door runs."""
    return subprocess.Popen(
        [sys.executable, "-m", "ops.cli", "door", "scan", "--list", "door.json", "--queue", "queue.jsonl"],
        cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def verdict(door: subprocess.Popen[str], line: str) -> list[str]:
    assert door.stdin
    assert door.stdout
    door.stdin.write(f"{line}\n")
    door.stdin.flush()
    return door.stdout.readline().rstrip("\n").split("\t")


def test_a_scan_whose_verdict_was_shown_survives_a_kill(tmp_path: Path) -> None:
    (tmp_path / "door.json").write_text(json.dumps(signed_list()))
    text = text_of(holder(3), session_at())
    with scanning(tmp_path) as door:
        assert verdict(door, f"{text} x2")[:2] == ["ok", "2"]
        assert verdict(door, "7K3QX-M0R9T")[0] == "unchecked"
        door.send_signal(signal.SIGKILL)
    # A kill in the middle of a write.
    with (tmp_path / "queue.jsonl").open("a") as file:
        file.write('{"scan": {"scan_id": "torn')
    with scanning(tmp_path) as door:
        assert verdict(door, f"{text} x2")[0] == "too_many"
        assert verdict(door, text)[:2] == ["ok", "1"]
        assert verdict(door, text)[0] == "already_checked_in"
        assert door.stdin
        door.stdin.close()
        assert door.wait(SECONDS) == 0
    with ScanQueue(tmp_path / "queue.jsonl") as queue:
        noted = [(scan["verdict"], scan["people"], scan["let_in"]) for scan in queue.unsent("street-1")]
    assert noted == [
        ("ok", 2, True),
        ("unchecked", None, True),
        ("too_many", 2, False),
        ("ok", None, True),
        ("already_checked_in", None, False),
    ]


def test_a_list_that_nobody_has_signed_opens_no_door(tmp_path: Path) -> None:
    content = json.dumps(signed_list()).replace("street-1", "street-2")
    (tmp_path / "door.json").write_text(content)
    with scanning(tmp_path) as door:
        assert door.wait(SECONDS) == 1
    assert not (tmp_path / "queue.jsonl").exists()


def test_two_processes_do_not_write_one_file(tmp_path: Path) -> None:
    with ScanQueue(tmp_path / "queue.jsonl"), pytest.raises(QueueInUse):
        ScanQueue(tmp_path / "queue.jsonl")


def test_what_is_sent_counts_until_a_later_list_knows_of_it(tmp_path: Path) -> None:
    path = tmp_path / "queue.jsonl"
    with ScanQueue(path) as queue:
        scans = [queue.note("one", "KW1", None, NOW, Ruling("ok", people, "r")) for people in (2, 1)]
        queue.acknowledge([scans[0]["scan_id"]], NOW + timedelta(minutes=5))
    with ScanQueue(path) as queue:
        assert [scan["scan_id"] for scan in queue.unsent("one")] == [scans[1]["scan_id"]]
        # The same device at another session's door sends them to neither.
        assert queue.unsent("two") == []
        assert queue.inside(NOW + timedelta(minutes=4)) == {"r": 3}
        assert queue.inside(NOW + timedelta(minutes=6)) == {"r": 1}
