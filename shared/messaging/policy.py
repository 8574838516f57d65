"""When a record is buried, when a consumer tries again and when it stops: all of it as data, in one place."""

from dataclasses import dataclass

# Codes of dead letters. A record is buried with one of these before any handler sees it ...
UNREADABLE = "unreadable"  # Its bytes are damaged, compressed in an unknown way, or far too many.
BAD_HEADER = "bad_header"  # A header of the envelope is missing or wrong.
BAD_BODY = "bad_body"  # The value is not what the contract says.
BAD_TIME = "bad_time"  # The record's own time is impossible.
TOO_LARGE = "too_large"  # The value is larger than its contract's `bytes_max`.
UNKNOWN_TYPE = "unknown_type"  # The topic has another type of events.
SOURCE_OURS = "source_ours"  # Only other systems write to the topic, and the record names one of ours.
KEY_DIFFERS = "key_differs"  # The record's key is not the id that orders the event.
# ... with this one because our handler fails on it, whatever else is in the batch ...
HANDLER_FAILED = "handler_failed"
# ... or with a code of the handler's own, which it gives to `Batch.reject` or raises as Rejected.

# What a handler raises because of a number or a text that no database stores. Such values are in the event,
# so the event is at fault: its batch is halved without another try, and it never counts towards `failed_max`.
# Short on purpose. A bad deployment raises TypeError, KeyError, ValueError or bson's InvalidDocument just as
# well, so those still stop the consumer.
CONTENT_ERRORS: tuple[type[Exception], ...] = (OverflowError, UnicodeEncodeError)

BEFORE_HANDLING = (
    UNREADABLE,
    BAD_HEADER,
    BAD_BODY,
    BAD_TIME,
    TOO_LARGE,
    UNKNOWN_TYPE,
    SOURCE_OURS,
    KEY_DIFFERS,
)


@dataclass(frozen=True, slots=True)
class Policy:
    """
    The numbers of one consumer. Tests pass their own.

    When an event is buried:
        tries_max: how often a batch is handled that fails. Then it is halved.
        half_tries_max: how often a half is handled. A passing fault has had its chance before.
        An outage of Kafka or MongoDB is no failure. The consumer waits for its end.

    When the consumer stops:
        failed_max: after so many events on which our own handler failed ...
        failed_window: ... of so many that it handled last ...
        failed_ratio_max: ... if these are also more than this part of them. The handler is at fault then, and
            burying would empty the topic. Records that others wrote wrongly never count, nor do
            `CONTENT_ERRORS`.
        Only people can mend this, so that it stays so until the process starts again. Nothing else stops
        a consumer for good.

    When the consumer starts again by itself, where the group has committed:
        failing_seconds_max: all polls have failed for so long.
        pause_seconds: after an error of a kind that nobody foresaw, once so much time has gone by.

    How long it waits:
        retry_seconds, retry_seconds_max: between two tries, the first time and at most.
        poll_seconds: a poll, for the first record. A longer wait only saves empty polls.
        fetch_bytes_min: while records come, the broker gathers so many bytes, or waits for
            `Subscription.gather_ms`, before it answers. Larger batches cost less everywhere.
        idle_fetch_seconds: while nothing comes, the broker answers with the first record, or after so long.

    When others take it for broken:
        silence_seconds_max: /health says so when the broker has not answered a fetch for so long.
        session_seconds, heartbeat_seconds: Kafka takes a member for dead after so long without a heartbeat.
        handling_seconds_max: Kafka gives the partitions of a member to another one if a batch takes longer.

    And:
        batch_events_max: records of one batch.
        observe_seconds: between two looks at the lag.
    """

    batch_events_max: int = 1_000
    tries_max: int = 5
    half_tries_max: int = 2
    retry_seconds: float = 0.2
    retry_seconds_max: float = 5.0
    failed_max: int = 100
    failed_window: int = 1_000
    failed_ratio_max: float = 0.5
    poll_seconds: float = 1.0
    fetch_bytes_min: int = 131_072
    idle_fetch_seconds: float = 1.0
    silence_seconds_max: float = 60.0
    session_seconds: float = 10.0
    heartbeat_seconds: float = 3.0
    handling_seconds_max: float = 600.0
    failing_seconds_max: float = 120.0
    pause_seconds: float = 60.0
    observe_seconds: float = 2.0
