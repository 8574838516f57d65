"""Plans and files that the client refuses, with the reason."""

import platform
from pathlib import Path

import pytest

from bench.errors import LoadClientError
from bench.load.client import Plan, build, requests_file, run
from bench.tests.load.server import request

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="the client uses epoll")


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (Plan(targets=()), "--target"),
        (Plan(targets=("127.0.0.1",)), "HOST:PORT"),
        (Plan(targets=("127.0.0.1:1",)), "--requests FILE or --participants FILE"),
        (Plan(targets=("127.0.0.1:1",), participants=Path("/dev/null")), "--quiz"),
        (Plan(targets=("127.0.0.1:1",), requests=Path("/nowhere")), "/nowhere"),
        (Plan(targets=("127.0.0.1:1",), requests=Path("/dev/null")), "nothing to send"),
        (Plan(targets=("127.0.0.1:1",), requests=Path("x"), connections=20_001), "20000"),
        (Plan(targets=("127.0.0.1:1",), requests=Path("x"), rate=0), "--rate"),
        (Plan(targets=("127.0.0.1:1",), requests=Path("x"), letters="AXE"), "--letters"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_the_reason(
    plan: Plan, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(LoadClientError, match="load client ended with 2"):
        run(plan)
    assert said in capfd.readouterr().err


@pytest.mark.parametrize("spoilt", [b"\x05\0\0\0abc", b"\0\0\0\0", b"\x01", b"\xff\xff\xff\xffabc"])
def test_a_file_that_is_cut_off_is_refused(
    tmp_path: Path, spoilt: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "requests"
    requests_file(path, [request(1)])
    path.write_bytes(path.read_bytes() + spoilt)
    with pytest.raises(LoadClientError):
        run(Plan(targets=("127.0.0.1:1",), requests=path))
    assert "request 2" in capfd.readouterr().err


def test_a_token_that_would_end_the_line_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tokens"
    path.write_text("good\nbad one\n")
    with pytest.raises(LoadClientError):
        run(Plan(targets=("127.0.0.1:1",), participants=path, quiz="contest"))
    assert "token 2" in capfd.readouterr().err


def test_without_a_compiler_the_error_says_what_to_do() -> None:
    with pytest.raises(LoadClientError, match="make bench-check"):
        build({"KEPU_CC": "no-such-compiler"})
    with pytest.raises(LoadClientError, match="KEPU_CC"):
        build({"KEPU_CC": "false"})
