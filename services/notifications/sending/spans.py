"""The span of a mail or SMS that was handed over."""

import time

from services.notifications.messages.rules import Message
from services.notifications.sending.rules import Reply
from shared.contracts.traces import read_traceparent
from shared.runtime.tracing import Recorder, Span, child_of, is_recorded, span_id


def record_sent(recorder: Recorder, message: Message, reply: Reply, began_ns: int) -> None:
    """Record a span that follows from the step that has stored the message, in the trace of its event."""
    own = read_traceparent(message.cause.traceparent or "")
    if own is None or not is_recorded(own):
        return
    attributes = {
        "kepu.channel": message.channel,
        "kepu.kind": message.kind,
        "kepu.verdict": reply.verdict,
        "messaging.message.id": message.cause.id,
        "kepu.correlation_id": message.cause.correlation_id,
    }
    failed = None if reply.verdict == "taken" else reply.reason or reply.verdict
    recorder.record(
        Span(
            f"send {message.channel}",
            "client",
            child_of(own),
            span_id(own),
            began_ns,
            time.time_ns(),
            attributes,
            failed=failed,
        )
    )
