"""`kepu export-registrations`: the rows of registration, and the names of notifications, in one file."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from ops.cli import app
from shared.web.tables import BOM

KEY = "k" * 43
PEOPLE = [f"person-{number}" for number in range(5)]


def row(number: int) -> dict[str, Any]:
    return {
        "registration_id": f"registration-{number}",
        "participant_id": PEOPLE[number],
        "session_id": "one",
        "status": "confirmed",
        "places": 1,
        "number": number + 1,
        "asked_at": "2027-05-01T00:00:00Z",
        "kind": "person",
        "group_id": None,
        "district": "华龙区",
        "audience": "youth",
        "language": "zh-CN",
    }


class Week(BaseHTTPRequestHandler):
    """Both services: pages of two registrations, and names."""

    asked: list[dict[str, Any]]
    refuses_names = False

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        assert url.path == "/sessions/one/registrations"
        begin = int(parse_qs(url.query).get("after", ["0"])[0])
        end = begin + 2
        self._answer(
            200,
            {
                "registrations": [row(number) for number in range(begin, min(end, len(PEOPLE)))],
                "after": str(end) if end < len(PEOPLE) else None,
            },
        )

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/contacts/openings"
        assert self.headers["X-Organiser-Key"] == KEY
        self.asked.append(asked)
        if self.refuses_names and len(self.asked) > 1:
            self._answer(403, {"code": "organiser_role"})
            return
        contacts = [
            {"participant_id": one, "state": "opened", "name": f"=王{one[-1]}", "email": f"{one}@example.org"}
            for one in asked["participant_ids"]
        ]
        self._answer(200, {"contacts": contacts})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        """Nothing."""


@contextmanager
def week(*, refuses_names: bool = False) -> Iterator[tuple[list[str], list[dict[str, Any]]]]:
    """The options that name the services, and the openings that were asked for."""
    asked: list[dict[str, Any]] = []
    kind = type("Of", (Week,), {"asked": asked, "refuses_names": refuses_names})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield ["--registration", url, "--notifications", url, "--organiser-key", KEY], asked
    finally:
        server.shutdown()
        server.server_close()


def kepu(*arguments: str) -> tuple[int, str]:
    own = {"KEPU_HOME": None, "KEPU_ORGANISER_KEY": None, "COLUMNS": "200"}
    result = CliRunner().invoke(app, ["export-registrations", "one", *arguments], env=own)
    return result.exit_code, result.output


def read(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_text().removeprefix(BOM))))


def test_all_pages_are_in_the_file_without_names_unless_they_are_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    with week() as (options, asked):
        code, output = kepu("--file", str(file), *options)
    assert (code, asked) == (0, [])
    assert "5 registrations" in output
    assert [one["participant_id"] for one in read(file)] == PEOPLE
    assert "name" not in read(file)[0]
    assert file.stat().st_mode & 0o777 == 0o600


def test_names_are_opened_page_by_page_with_the_reason_and_stand_in_the_row_of_their_person(
    tmp_path: Path,
) -> None:
    file = tmp_path / "list.csv"
    with week() as (options, asked):
        code, output = kepu("--file", str(file), "--with-names", "--reason", "seats", *options)
    assert code == 0, output
    assert [one["participant_ids"] for one in asked] == [PEOPLE[:2], PEOPLE[2:4], PEOPLE[4:]]
    assert {one["reason"] for one in asked} == {"seats"}
    # A formula in a name is a text.
    assert [(one["participant_id"], one["name"]) for one in read(file)] == [
        (one, f"'=王{one[-1]}") for one in PEOPLE
    ]


@pytest.mark.parametrize(
    "options", [["--with-names"], ["--reason", "seats"], ["--with-names", "--reason", ""]]
)
def test_names_need_a_reason(tmp_path: Path, options: list[str]) -> None:
    code, output = kepu("--file", str(tmp_path / "list.csv"), *options)
    assert code == 1
    assert "both or none" in output
    assert list(tmp_path.iterdir()) == []


def test_half_a_list_is_not_left_behind(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    with week(refuses_names=True) as (options, _):
        code, output = kepu("--file", str(file), "--with-names", "--reason", "seats", *options)
    assert code == 1
    assert "organiser_role" in output
    assert not file.exists()


def test_a_file_that_is_there_is_not_overwritten_and_its_ending_says_the_format(tmp_path: Path) -> None:
    file = tmp_path / "list.xlsx"
    with week() as (options, _):
        assert kepu("--file", str(file), *options)[0] == 0
        assert file.read_bytes()[:2] == b"PK"
        code, output = kepu("--file", str(file), *options)
        assert (code, "name another file" in output) == (1, True)
        assert kepu("--file", str(tmp_path / "list.txt"), *options)[0] == 1
