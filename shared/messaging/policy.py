"""When a record is dead-lettered, when a consumer tries again and when it stops. All numbers are here."""

from dataclasses import dataclass

# Codes of dead letters. A record that breaks its contract gets one of these before any handler sees it ...
UNREADABLE = "unreadable"  # Its bytes are damaged, compressed in an unknown way, or far too many.
BAD_HEADER = "bad_header"  # A header of the envelope is missing or wrong.
BAD_BODY = "bad_body"  # The value is not what the contract says.
BAD_TIME = "bad_time"  # The record's own time is impossible.
TOO_LARGE = "too_large"  # The value is larger than its contract's `bytes_max`.
UNKNOWN_TYPE = "unknown_type"  # The topic has another type of events.
SOURCE_OURS = "source_ours"  # A command names as its source a service of ours that never sends it.
KEY_DIFFERS = "key_differs"  # The record's key is not the id that orders the event.
# ... or this one, because our decoder fails on it though the contract accepts it ...
DECODER_FAILED = "decoder_failed"
# ... or this one, because our handler fails on it even if it is the only event of the batch. The value of the
# event may be the reason (`CONTENT_ERRORS`), or our handler ...
HANDLER_FAILED = "handler_failed"
# ... or a code of the handler's own, which it gives to `Batch.reject` or raises as Rejected.

# A handler raises these because of a number or a text that no database stores. The value comes from the
# event, so the event is wrong, not the handler: the batch is halved without another try, and the event never
# counts towards `failed_max`. The errors of a wrong release of ours (TypeError, KeyError, ValueError, bson's
# InvalidDocument) are not in the list, so they still stop the consumer.
CONTENT_ERRORS: tuple[type[Exception], ...] = (OverflowError, UnicodeEncodeError)

CODES_BEFORE_HANDLING = (
    UNREADABLE,
    BAD_HEADER,
    BAD_BODY,
    BAD_TIME,
    TOO_LARGE,
    UNKNOWN_TYPE,
    SOURCE_OURS,
    KEY_DIFFERS,
    DECODER_FAILED,
)


@dataclass(frozen=True, slots=True)
class ConsumerPolicy:
    """
    The numbers of one consumer. Tests pass their own.

    When an event is dead-lettered:
        tries_max: number of tries of a failing batch. Then it is halved.
        half_tries_max: number of tries of a half. Fewer than `tries_max`: a short error would have ended
            during the tries of the whole batch.
        An outage of Kafka or MongoDB is not a failure. The consumer waits until it ends.

    When the consumer stops:
        failed_max, failed_window, failed_ratio_max: there are two totals of the handler's failures: one of
            the present batch, one of the last 1,000 events (fewer after a start). The consumer stops if one
            total has at least 100 failures, and more failures than successes. Then the handler is wrong:
            if the consumer went on, all records would become dead letters. A record that is dead-lettered for
            its content (with a code of the handler's own, or by one of `CONTENT_ERRORS`) counts in neither
            total: it is no failure and no success.
        The failures of our own decoders (`Subscription.decoders`) are counted by the same numbers, over the
        last 1,000 records that the contract accepts. A decoder that returns a wrong number of
        events stops the consumer at once. Only people can repair this, so the consumer stays stopped until
        the process starts again. Nothing else stops a consumer for good.

    When the consumer starts again by itself, from the committed offsets:
        failing_seconds_max: all polls have failed for this time.
        pause_seconds: the pause after an unexpected error.

    How long it waits:
        retry_seconds, retry_seconds_max: between two tries, the first time and at most.
        poll_seconds: a poll, for the first record. A longer wait only saves empty polls.
        fetch_bytes_min: while records come, the broker gathers this number of bytes, or waits for
            `Subscription.gather_ms`, before it answers. Larger batches cost less in every step.
        idle_fetch_seconds: while nothing comes, the broker answers with the first record, or after this time.

    When others think it is broken:
        silence_seconds_max: /health shows it when the broker has not answered a fetch for this time.
        session_seconds, heartbeat_seconds: for Kafka a member is dead after this time without a heartbeat.
        handling_seconds_max: Kafka gives the partitions of a member to another one if a batch takes longer.

    And:
        batch_events_max: records of one batch.
        observe_seconds: between two measurements of the lag.
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
