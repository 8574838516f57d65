"""
Logs: one JSON object a line, with the correlation id and the trace id of the current request.

Lines about an event get the ids of the event as fields (shared/messaging/dead_letters.py).

Messages are constant, and values are fields. No names, contacts or answers are logged.
"""

import logging
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import msgspec

from shared.runtime.errors import KepuError
from shared.runtime.tracing import trace_id, traceparent

correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
SELDOM_SECONDS = 60.0
_QUIET = ("aiokafka", "pymongo", "uvicorn.access", "uvicorn.error")


class JsonLines(logging.Formatter):
    """A log record as one line of JSON."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The record's time, level, message and fields."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "message": record.getMessage(),
        }
        if (correlation := correlation_id.get()) is not None:
            line["correlation_id"] = correlation
        if (traced := traceparent.get()) is not None:
            line["trace_id"] = trace_id(traced)
        line.update({k: v for k, v in vars(record).items() if k not in _STANDARD})
        if record.exc_info and record.exc_info[1]:
            line["exception"] = _trace(record.exc_info[1])
        return msgspec.json.encode(line, enc_hook=str).decode()


def _trace(error: BaseException) -> str:
    """
    The traceback of an error and of its causes.

    Only our own errors keep their text. A driver's error may quote the document that it could not write, and
    a validation error its input.
    """
    lines: list[str] = []
    seen: set[int] = set()
    next_: BaseException | None = error
    while next_ is not None and id(next_) not in seen:
        seen.add(id(next_))
        name = type(next_).__name__
        lines = [
            *traceback.format_tb(next_.__traceback__),
            f"{name}: {next_.message}" if isinstance(next_, KepuError) else name,
            *(["caused:"] if lines else []),
            *lines,
        ]
        next_ = next_.__cause__ or (None if next_.__suppress_context__ else next_.__context__)
    return "\n".join(line.rstrip("\n") for line in lines)


class Seldom(logging.Filter):
    """
    Lets a library log the same message only once a minute.

    Kafka's client logs each try to connect, several times a second in an outage. Our own lines and /health
    say that Kafka is down.
    """

    def __init__(self, library: str, *, seconds: float = SELDOM_SECONDS) -> None:
        super().__init__()
        self._library = library
        self._seconds = seconds
        # By logger and constant message: their number is limited by the lines of code that log.
        self._said_at: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is to be written."""
        if not record.name.startswith(self._library):
            return True
        said, now = (record.name, str(record.msg)), time.monotonic()
        if now - self._said_at.get(said, -self._seconds) < self._seconds:
            return False
        self._said_at[said] = now
        return True


def configure(service: str, level: str) -> None:
    """Send all logs to standard error as JSON lines; libraries only from warnings up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service))
    handler.addFilter(Seldom("aiokafka"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # shared/runtime/span_export.py says in one line what it says in many.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    # It warns at each start that topics are not created automatically. We want this.
    logging.getLogger("kepu.faststream").setLevel(logging.ERROR)
    # It complains when a group starts while the broker still makes its topic of offsets.
    logging.getLogger("aiokafka.consumer.group_coordinator").setLevel(logging.CRITICAL)


@contextmanager
def correlated(id_: str) -> Iterator[None]:
    """Every line logged inside carries this correlation id."""
    token = correlation_id.set(id_)
    try:
        yield
    finally:
        correlation_id.reset(token)
