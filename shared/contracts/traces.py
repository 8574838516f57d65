"""
Trace contexts: which requests and events belong together, for tools that show traces.

A trace context names a trace and a span, the step that made what carries it. All events of one request have
its trace and its span. A group that handles an event makes a new span for each event (`Step`), and what
follows from the event carries that one.

Source: W3C Trace Context, sections 3.2 (traceparent) and 4 (mutating it)
"""

import random
import re
from hashlib import sha256

from shared.runtime.tracing import Trace, child_of, flags_of, span_id, trace_id

_SPAN_MAX = 2**64 - 1
# Later versions may have more behind the flags.
_REST = "-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
_well_formed = re.compile(f"00{_REST}|(?!00|ff)[0-9a-f]{{2}}{_REST}(?:-[ -~]{{0,200}})?").fullmatch
# The last bit of the flags says that the trace is recorded. The other bits are not ours to repeat.
_FLAGS = {digit: f"0{int(digit, 16) & 1}" for digit in "0123456789abcdef"}


def new_traceparent() -> str:
    """A trace context that starts a trace."""
    digits = f"{random.getrandbits(192):048x}"
    return f"00-{digits[:32]}-{digits[32:]}-{flags_of(digits[:32])}"


def trace_begun_by(random_id: str) -> str:
    """A trace context that starts a trace; its random digits are those of this random UUID."""
    digits = random_id.replace("-", "")
    return f"00-{digits}-{digits[:16]}-{flags_of(digits)}"


def read_traceparent(brought: str) -> str | None:
    """A trace context as we write it; None if it is malformed."""
    return f"00-{brought[3:53]}{_FLAGS[brought[54]]}" if _well_formed(brought) else None


def continued(brought: str) -> Trace | None:
    """The trace that a request brought, with a span of its own; None if it is malformed."""
    read = read_traceparent(brought)
    return None if read is None else Trace(child_of(read), span_id(read))


def trace_id_in(traceparent: str) -> str | None:
    """The trace id in a trace context; None if it is malformed."""
    return trace_id(traceparent) if _well_formed(traceparent) else None


class Step:
    """
    The step of one group in the traces of the events that it handles.

    The span is computed from the event's id and not drawn: so what follows from an event is the same on every
    repeat.
    """

    def __init__(self, group: str) -> None:
        self._group = group
        self._mask = int.from_bytes(sha256(group.encode()).digest()[:8])

    def after(self, brought: str | None, id_: str) -> str:
        """
        The trace context of what follows from an event.

        Args:
            brought: the event's own trace context. If there is none, or if it is malformed, the event's id
                begins a trace.
        """
        try:
            # The digits of a UUID that are random in all its versions.
            span = int(id_[24:] + id_[:4], 16) ^ self._mask
        except ValueError:
            span = 0
        if not 0 < span <= _SPAN_MAX:
            # Other systems choose ids as they like.
            span = int(_digits(f"{self._group} {id_}", 16), 16) or 1
        if brought is None or not _well_formed(brought):
            begun = _digits(id_, 32)
            return f"00-{begun}-{span:016x}-{flags_of(begun)}"
        return f"00-{brought[3:35]}-{span:016x}-{_FLAGS[brought[54]]}"


def _digits(text: str, count: int) -> str:
    return sha256(text.encode(errors="replace")).hexdigest()[:count]
