"""Loading a week: all that can be loaded is, and what could not be is told with its reason."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.deployment.description import Apis
from ops.week import files
from ops.week.files import WeekError
from ops.week.load import Failure, Piece, load, pieces

NOW = datetime(2026, 5, 20, 9, tzinfo=UTC)
NOBODY = "http://127.0.0.1:9"


@dataclass
class Site:
    """What was put, by path; some paths are refused with a code."""

    refused: dict[str, str]
    put: dict[str, Any] = field(default_factory=dict)
    url: str = ""


@contextmanager
def site(port: int = 0, **refused: str) -> Iterator[Site]:
    found = Site({path.replace("__", "/"): code for path, code in refused.items()})

    class Answers(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            code = found.refused.get(self.path.strip("/"))
            problem = {"code": code, "detail": "That is so.", "errors": [{"field": "title"}]}
            answer = json.dumps(problem if code else {}).encode()
            if not code:
                found.put[self.path] = body
            self.send_response(409 if code else 200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
            """Nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", port), Answers) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield found
        finally:
            server.shutdown()
            serving.join()


def everywhere(url: str, **elsewhere: str) -> Apis:
    return Apis({**dict.fromkeys(("registration", "quiz", "awards"), url), **elsewhere}, "k" * 16)


def test_a_piece_that_is_refused_keeps_no_other_from_being_loaded() -> None:
    put = pieces(files.read())
    first = put[0]
    with site(0, **{first.path.strip("/").replace("/", "__"): "group_conflict"}) as there:
        advanced: list[Piece] = []
        failures = load(put, everywhere(there.url), advanced.append)
    assert [(failure.piece, failure.code) for failure in failures] == [(first.name, "group_conflict")]
    assert failures[0].reason == 'That is so.; {"field": "title"}'
    assert set(there.put) == {piece.path for piece in put[1:]}
    assert advanced == put


def test_a_scheme_whose_quiz_awards_has_not_heard_of_yet_is_put_again() -> None:
    put = pieces(files.read())
    early = next(piece for piece in put if piece.service == "awards").path.strip("/")
    with site(0, **{early.replace("/", "__"): "quiz_unknown"}) as there:
        threading.Timer(0.3, there.refused.clear).start()
        assert load(put, everywhere(there.url)) == []
    assert set(there.put) == {piece.path for piece in put}


def test_a_service_that_does_not_answer_is_asked_once_and_the_others_are_loaded() -> None:
    put = pieces(files.read())
    with site() as there:
        failures = load(put, everywhere(there.url, registration=NOBODY))
    of_registration = [piece for piece in put if piece.service == "registration"]
    assert [failure.piece for failure in failures] == [piece.name for piece in of_registration]
    assert [failure.code for failure in failures] == ["unreachable", *["not_tried"] * (len(failures) - 1)]
    assert len(there.put) == len(put) - len(of_registration) > 0


def test_a_shifted_week_begins_tomorrow_and_its_contest_is_open() -> None:
    shifted = files.from_tomorrow(files.read(), NOW)
    assert shifted.first_day.date() == NOW.date() + timedelta(days=1)
    opens, closes = (datetime.fromisoformat(shifted.quiz[name]) for name in ("opens_at", "closes_at"))
    assert opens < NOW < closes


@pytest.mark.parametrize("wrong", ["tomorrow", None, 7])
def test_a_time_that_is_none_is_told(wrong: object) -> None:
    found = files.read()
    found.activities[0]["sessions"][0]["starts_at"] = wrong
    with pytest.raises(WeekError, match="a time is missing or is none"):
        files.from_tomorrow(found, NOW)


def test_a_piece_without_an_id_is_told() -> None:
    found = files.read()
    del found.groups[0]["group_id"]
    with pytest.raises(WeekError, match="a group has no group_id"):
        pieces(found)


def test_the_command_lists_what_it_could_not_load_and_exits_with_1() -> None:
    quiz = files.read().quiz_id
    with site(0, **{f"quizzes__{quiz}": "quiz_running"}) as there:
        addresses = [part for name in everywhere("").urls for part in (f"--{name}", there.url)]
        result = CliRunner().invoke(
            app,
            ["load", str(files.SAMPLE), "--shift-to-tomorrow", "--organiser-key", "k" * 16, *addresses],
            env={"COLUMNS": "120"},
        )
    assert result.exit_code == 1
    for told in (f"quiz {quiz}", "quiz_running", "That is so."):
        assert told in result.stdout
    [starts] = [min(s["starts_at"] for a in there.put.values() for s in a.get("sessions", []))]
    assert datetime.fromisoformat(starts).date() == datetime.now(UTC).date() + timedelta(days=1)


def test_a_service_that_is_still_starting_is_waited_for() -> None:
    put = pieces(files.read())[:1]
    with site() as there:
        port = int(there.url.rpartition(":")[2])
    failures: list[Failure] = []
    loading = threading.Thread(
        target=lambda: failures.extend(
            load(put, everywhere(f"http://127.0.0.1:{port}"), wait_seconds_max=20.0)
        )
    )
    loading.start()
    with site(port=port) as there:
        loading.join(20)
    assert failures == []
    assert set(there.put) == {put[0].path}
