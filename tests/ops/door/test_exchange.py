"""A door and the service: what was not acknowledged is sent again; a list is replaced as a whole."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ops.door.exchange import SCANS_A_REQUEST, DoorError, Registration, saved
from ops.door.queue import ScanQueue
from ops.door.verifier import Ruling
from tests.ops.door.test_queue import signed_list

NOW = datetime(2023, 5, 20, 2, 0, tzinfo=UTC)
BROKEN = -1


class Service:
    """A service that answers as it is told to, and remembers the scans that it got."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.uploads: list[list[str]] = []
        self.shown: list[tuple[str | None, str | None]] = []
        self.keys: Any = signed_list()["keys"]
        self.pages: list[Any] = []

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        status = self.answers.pop(0) if self.answers else 200
        if status != 200:
            return status, {"code": "unavailable"}
        if method == "POST":
            ids = [scan["scan_id"] for scan in body["scans"]]
            self.uploads.append(ids)
            self.shown += [(scan.get("ticket"), scan.get("registration_id")) for scan in body["scans"]]
            verdicts = [{"scan_id": id_, "verdict": "ok", "conflict": False} for id_ in ids]
            return 200, {"verdicts": verdicts, "clock_off_seconds": 0}
        return 200, self.keys if path == "/tickets/keys" else self.pages.pop(0) | {"after": None}


@contextmanager
def serving(service: Service) -> Iterator[Registration]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

        def _answer(self, body: Any) -> None:
            status, content = service.answer(self.command, self.path.split("?")[0], body)
            if status == BROKEN:
                # It has got the scans, and the answer is lost.
                service.answer(self.command, self.path, body)
                self.connection.close()
                return
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Registration(f"http://127.0.0.1:{server.server_port}", "key-of-a-door-in-tests")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def queue_of(path: Path, scans: int) -> ScanQueue:
    queue = ScanQueue(path)
    for number in range(scans):
        queue.note("one", f"KW1-{number}", None, NOW, Ruling("ok", 1, f"r-{number}"))
    return queue


@pytest.mark.parametrize("fault", [503, BROKEN])
def test_what_was_not_acknowledged_is_sent_again_and_the_rest_is_not(tmp_path: Path, fault: int) -> None:
    service = Service()
    with serving(service) as registration, queue_of(tmp_path / "queue.jsonl", SCANS_A_REQUEST + 3) as queue:
        everything = [scan["scan_id"] for scan in queue.unsent("one")]
        service.answers = [200, fault]
        with pytest.raises(DoorError):
            list(registration.send("one", "door-1", queue))
        assert [scan["scan_id"] for scan in queue.unsent("one")] == everything[SCANS_A_REQUEST:]
        assert len(list(registration.send("one", "door-1", queue))) == 3
        assert list(registration.send("one", "door-1", queue)) == []
    with ScanQueue(tmp_path / "queue.jsonl") as queue:
        assert queue.unsent("one") == []
    assert service.uploads[0] == everything[:SCANS_A_REQUEST]
    assert service.uploads[-1] == everything[SCANS_A_REQUEST:]


def test_who_was_picked_from_a_list_is_sent_as_such_and_a_ticket_as_a_ticket(tmp_path: Path) -> None:
    service = Service()
    with serving(service) as registration, queue_of(tmp_path / "queue.jsonl", 1) as queue:
        queue.note("one", None, None, NOW, Ruling("unchecked", 1, "r-picked"))
        assert len(list(registration.send("one", "door-1", queue))) == 2
    assert service.shown == [("KW1-0", None), (None, "r-picked")]


def test_a_list_is_replaced_as_a_whole_or_not(tmp_path: Path) -> None:
    service, file = Service(), tmp_path / "door.json"
    page: Any = signed_list()["pages"]
    with serving(service) as registration:
        service.pages = [page[0]]
        registration.load("street-1", file)
        assert saved(file)[0].session_id == "street-1"
        before = file.read_bytes()
        service.answers = [200, 503]
        with pytest.raises(DoorError):
            registration.load("street-1", file)
        service.pages = [page[0] | {"list": page[0]["list"].replace("street-1", "street-2")}]
        with pytest.raises(DoorError):
            registration.load("street-2", file)
    assert file.read_bytes() == before
    with pytest.raises(DoorError):
        saved(tmp_path / "none.json")
