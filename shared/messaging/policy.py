"""
When a record is dead-lettered, when a consumer tries again and when it stops: the codes and the numbers.

`decoding.py`, `settling.py` and `consumer.py` carry them out.
"""

from dataclasses import dataclass

# The codes of dead letters. First, the codes of records that break their contract. No handler sees them.
UNREADABLE = "unreadable"  # Its bytes are damaged, compressed in an unknown way, or far too many.
BAD_HEADER = "bad_header"  # A header of the envelope is missing or wrong.
BAD_BODY = "bad_body"  # The value is not what the contract says.
BAD_TIME = "bad_time"  # The record's own time is impossible.
TOO_LARGE = "too_large"  # The value is larger than its contract's `bytes_max`.
UNKNOWN_TYPE = "unknown_type"  # The topic has another type of events.
SOURCE_OURS = "source_ours"  # The source of a command is a service of ours that never sends this command.
KEY_DIFFERS = "key_differs"  # The record's key is not the id that orders the event.
# The contract accepts the record, but our decoder fails on it.
DECODER_FAILED = "decoder_failed"
# Our handler fails on the event, also when it is the only event of the batch. The error is in the event
# (`CONTENT_ERRORS`) or in our handler.
HANDLER_FAILED = "handler_failed"
# Operators have named the record (`kepu dead bury`), since its group got no further.
BURIED = "buried"
# A handler may have more codes. It gives them to `Batch.reject`, or raises them in a Rejected.

# A handler raises these errors because the event has a number or a text that no database can store. So the
# event is wrong, not the handler. The batch is split without another try, and the event never counts towards
# `failed_max`. An error in a release of ours raises other errors (TypeError, KeyError, ValueError, bson's
# InvalidDocument). They are not in the list, so they still stop the consumer.
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
        tries_max: number of tries of a failing batch. Then the batch is split in halves.
        half_tries_max: number of tries of a half. Smaller than `tries_max`: a short error has ended during
            the tries of the whole batch.
        An outage of Kafka or MongoDB is not a failure. The consumer waits until the outage ends.

    When the consumer stops:
        failed_max, failed_window, failed_ratio_max: there are two totals of the handler's failures: one of
            the present batch, one of the last 1,000 events (fewer after a start). The consumer stops if one
            total has at least 100 failures, and more failures than successes. The error is in the handler
            then, and without the stop all records would become dead letters. A record that is dead-lettered
            for its content (with a code of the handler, or by one of `CONTENT_ERRORS`) is not counted as a
            failure and not as a success.
        The failures of our own decoders (`Subscription.decoders`) are counted by the same numbers, over the
        last 1,000 records that the contract accepts. A decoder that returns a wrong number of
        events stops the consumer at once. Only people can repair this, so the consumer stays stopped until
        the process is started again. After all other errors it starts again by itself.

    When the consumer starts again by itself, from the committed offsets:
        failing_seconds_max: all polls have failed for this time.
        pause_seconds: the pause after an unexpected error.

    How long it waits:
        retry_seconds, retry_seconds_max: the first pause between two tries, and the longest one.
        poll_seconds: a poll waits for its first record. A longer wait would only save empty polls.
        fetch_bytes_min: while records come, the broker gathers this number of bytes, or waits for
            `Subscription.gather_ms`, before it answers. Larger batches cost less in every step.
        idle_fetch_seconds: while nothing comes, the broker answers with the first record, or after this time.

    When others think it is broken:
        silence_seconds_max: /health shows it when the broker has not answered a fetch for this time.
        session_seconds: after this time without a heartbeat, a member is dead for Kafka.
        heartbeat_seconds: between two heartbeats. A member hears of a rebalance by its next heartbeat. So
            this is also how long partitions wait for another member when their member ends.
        handling_seconds_max: Kafka gives the partitions of a member to another one if a batch takes longer.

    When it looks whether operators have named records to be left alone:
        blocked_seconds: between two looks, while a server that a handler needs is away. A consumer also
            looks before it stops.

    And:
        batch_events_max: records of one batch.
        observe_seconds: between two looks whether consumers work.
        lag_seconds: between two measurements of the lag.
        letters_seconds: between two counts of the dead letters that wait.
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
    heartbeat_seconds: float = 1.5
    handling_seconds_max: float = 600.0
    failing_seconds_max: float = 120.0
    pause_seconds: float = 60.0
    blocked_seconds: float = 30.0
    observe_seconds: float = 2.0
    lag_seconds: float = 10.0
    letters_seconds: float = 30.0
