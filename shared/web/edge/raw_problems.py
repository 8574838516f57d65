"""Problems that are answered below the framework, where a request is no HTTP or breaks a bound."""

from collections.abc import Iterable
from http import HTTPStatus

from shared.runtime.errors import KepuError
from shared.web.observing import correlation_from
from shared.web.problems import ALWAYS, PROBLEM, NotHttp, encoded

STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
ALWAYS_LINES = b"".join(f"{name}: {value}\r\n".encode() for name, value in ALWAYS)


class Stop(Exception):
    """Ends the parsing. The connection is refused with this error."""

    def __init__(self, error: KepuError) -> None:
        self.error = error


def problem_answer(error: KepuError, default_headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The whole answer that tells a client of this problem, and that the connection ends."""
    status, headers, body = encoded(error)
    lines = [
        *default_headers,
        (b"content-type", PROBLEM.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"x-correlation-id", correlation_from(b"").encode()),
        *[(name.encode(), value.encode()) for name, value in (*ALWAYS, *headers)],
        (b"connection", b"close"),
    ]
    head = b"".join(b"%b: %b\r\n" % line for line in lines)
    return b"%b%b\r\n%b" % (STATUS_LINES[status], head, body)


def bad_request() -> NotHttp:
    """What comes is no HTTP."""
    return NotHttp(400, "this is not a request of HTTP/1.1", code="bad_request")


def timed_out() -> NotHttp:
    """A part of the request took too long."""
    return NotHttp(408, "the request did not come in time", code="request_timeout")


def head_too_large() -> NotHttp:
    """The head breaks a bound."""
    return NotHttp(431, "the head of the request is too large, or has too many lines", code="head_too_large")
