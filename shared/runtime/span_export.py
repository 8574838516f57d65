"""
Spans to a collector by OTLP over HTTP, with the exporter of OpenTelemetry (the extra `traces`).

Spans wait in memory within a bound, and a thread sends them. If the collector is slow or away, spans are
dropped and counted, and nothing else happens: no request and no event waits for a collector.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from shared.runtime import metrics, tracing
from shared.runtime.background import Loop, looping
from shared.runtime.few_lines import FewLines
from shared.runtime.tracing import Span, span_id, trace_id

log = logging.getLogger(__name__)

LOOP = "spans"
# About 1 KB each.
WAITING_MAX = 8_192
BATCH_MAX = 512
# Between two batches, if fewer spans than a batch wait.
EXPORT_SECONDS = 1.0
SENDING_SECONDS_MAX = 3.0
# At the end of the process, for what waits.
FLUSH_SECONDS_MAX = 3.0

Send = Callable[[Sequence[Span]], bool]
"""Sends spans, in a thread. Returns whether the collector has taken them."""


class SpanExport:
    """
    Keeps spans until they are sent.

    Args:
        ratio: the part of the traces begun here that is recorded.
    """

    def __init__(self, send: Send, *, ratio: float = 1.0, waiting_max: int = WAITING_MAX) -> None:
        self.ratio = ratio
        self.loop = Loop(LOOP, self._turn, stop_seconds_max=SENDING_SECONDS_MAX)
        self._send = send
        self._waiting_max = waiting_max
        self._waiting: deque[Span] = deque()
        self._lines = FewLines(log, seconds=60.0)
        self._dropped = metrics.SPANS.labels("dropped")
        self._sent = metrics.SPANS.labels("sent")

    def record(self, span: Span) -> None:
        """Keep a span until it is sent. If too many wait, it is dropped."""
        if len(self._waiting) >= self._waiting_max:
            self._dropped.inc()
            return
        self._waiting.append(span)
        if len(self._waiting) == BATCH_MAX:
            self.loop.wake()

    async def _turn(self) -> float:
        await self.send_some()
        return 0.0 if len(self._waiting) >= BATCH_MAX else EXPORT_SECONDS

    async def send_some(self) -> None:
        """Send one batch of what waits."""
        spans = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
        if not spans:
            return
        try:
            taken = await asyncio.to_thread(self._send, spans)
        except Exception as error:  # noqa: BLE001 (another maker's code; no trouble of it may reach a request)
            self._tell(type(error).__name__)
            taken = False
        else:
            if not taken:
                self._tell("the collector has not taken them")
        (self._sent if taken else self._dropped).inc(len(spans))

    def _tell(self, reason: str) -> None:
        if self._lines.admit("spans were dropped", (("reason", reason),)):
            log.warning("spans were dropped", extra={"reason": reason})

    async def flush(self) -> None:
        """Send what waits, as far as there is time."""
        try:
            async with asyncio.timeout(FLUSH_SECONDS_MAX):
                while self._waiting:
                    await self.send_some()
        except TimeoutError:
            self._dropped.inc(len(self._waiting))
            self._waiting.clear()


@asynccontextmanager
async def recording(export: SpanExport) -> AsyncIterator[None]:
    """Record the spans of this process until the end of the block."""
    before, tracing.recorder = tracing.recorder, export
    try:
        async with looping(export.loop):
            yield
    finally:
        tracing.recorder = before
        await export.flush()


def otlp(endpoint: str, service: str, instance: str) -> Send:
    """
    Sends spans to a collector.

    Args:
        endpoint: the collector's whole address for traces, such as http://collector:4318/v1/traces.
    """
    # Here, since most deployments have not installed them (`Settings.traces` says so at the start).
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import SpanExportResult

    resource = Resource.create(
        {"service.namespace": "kepu", "service.name": service, "service.instance.id": instance}
    )
    exporter = OTLPSpanExporter(endpoint, timeout=SENDING_SECONDS_MAX)

    def send(spans: Sequence[Span]) -> bool:
        taken = exporter.export([_readable(span, resource) for span in spans])
        return taken is SpanExportResult.SUCCESS

    return send


def _readable(span: Span, resource: Any) -> Any:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Link, SpanKind, Status, StatusCode

    return ReadableSpan(
        span.name,
        context=_context(trace_id(span.own), span_id(span.own)),
        parent=_context(trace_id(span.own), span.parent) if span.parent else None,
        resource=resource,
        attributes=span.attributes,
        links=[Link(_context(trace_id(link), span_id(link))) for link in span.links],
        kind=SpanKind[span.kind.upper()],
        status=Status(StatusCode.ERROR, span.failed) if span.failed else Status(),
        start_time=span.began_ns,
        end_time=span.ended_ns,
    )


def _context(trace: str, span: str) -> Any:
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(int(trace, 16), int(span, 16), is_remote=False, trace_flags=TraceFlags(1))
