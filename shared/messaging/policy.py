"""When a consumer tries again, gives a record up or stops: the numbers of it, in one place."""

from dataclasses import dataclass

# An event larger than this is given up; who makes events of a size that varies checks it before.
EVENT_BYTES_MAX = 786_432


@dataclass(frozen=True, slots=True)
class Policy:
    """
    How a consumer reads and what it does about failures. Tests pass their own.

    Attributes:
        batch_events_max: records of one batch.
        event_bytes_max: a larger body is given up (`too_large`).
        tries_max: of a batch whose handler fails.
        half_tries_max: of the halves of such a batch. A passing fault has had its chance before.
        retry_seconds, retry_seconds_max: the first wait between two tries, and the longest.
        failed_max: so many events on which our own handler failed, of the last `failed_window` handled, stop
            the consumer once they are also more than `failed_ratio_max` of them: the fault is then the
            handler's. Records that others wrote wrongly never count.
        poll_seconds: how long a poll waits for the first record. A longer wait only saves empty polls.
        fetch_bytes_min: while records come, the broker gathers so many bytes, or for
            `Subscription.gather_ms`, before it answers. Larger batches cost less everywhere.
        idle_fetch_seconds: while nothing comes, the broker answers with the first record, or after so long.
        silence_seconds_max: health says so when the broker has not answered a fetch for so long.
        session_seconds, heartbeat_seconds: a member that is not heard of for so long is taken for dead; it
            tells of itself so often.
        handling_seconds_max: a batch that takes longer costs the member its place.
        evictions_max, evictions_seconds: a named member that lost its place so often in so long shares its
            name with another process, and gives way.
        observe_seconds: between two looks at the lag.
    """

    batch_events_max: int = 1_000
    event_bytes_max: int = EVENT_BYTES_MAX
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
    evictions_max: int = 3
    evictions_seconds: float = 120.0
    observe_seconds: float = 2.0
