"""The bounds of a process towards the network: what one client may use, and all clients together."""

import resource
from dataclasses import dataclass

# Open files of a process that are not connections of clients: Kafka, MongoDB, logs, libraries.
FILES_KEPT = 128


@dataclass(frozen=True, slots=True)
class Limits:
    """
    The bounds of one process; sizes in bytes, times in seconds.

    Args:
        headers_max: header lines of one request.
        head_seconds_max: from a request's first byte to the end of its head.
        body_seconds_max: from the end of the head to the end of the body. A larger body gets more time: one
            second for each `body_bytes_per_second_min`.
        idle_seconds_max: how long a connection without a request stays open. This is longer than clients and
            proxies keep theirs, so that none sends into a closing connection.
        stalled_seconds_max: how long a client may not read its answer.
        linger_seconds: after a refusal, how long further bytes of the client are read and dropped. Without
            that the system would reset the connection, and the client might never see the refusal.
        pipelined_max: requests of one connection that wait for earlier ones.
        bodies_bytes_max: bodies of all requests that are not answered yet.
        unfinished_bytes_max: heads and bodies of all requests that are not complete, and requests of a
            connection that wait for earlier ones.
        unread_bytes_max: answers that clients do not read.
        young_seconds: a connection that is not older, or has begun its request in this time, is not ended
            to make room for another.
        under_way_max: requests to hot routes that are not answered yet.
        framework_under_way_max: requests to all other routes that are not answered yet. Each takes more
            memory.
        sweep_seconds: time between two checks of the deadlines. A deadline may be late by this time.
    """

    head_bytes_max: int = 32_768
    headers_max: int = 100
    head_seconds_max: float = 10.0
    body_seconds_max: float = 30.0
    body_bytes_per_second_min: int = 16_384
    idle_seconds_max: float = 75.0
    stalled_seconds_max: float = 30.0
    linger_seconds: float = 2.0
    pipelined_max: int = 100
    connections_max: int = 16_000
    bodies_bytes_max: int = 67_108_864
    unfinished_bytes_max: int = 16_777_216
    unread_bytes_max: int = 67_108_864
    young_seconds: float = 1.0
    under_way_max: int = 16_000
    framework_under_way_max: int = 4_000
    sweep_seconds: float = 1.0


def connections_that_fit(wanted: int) -> int:
    """As many connections as wanted, or fewer if the limit of open files is lower."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - FILES_KEPT))


def raise_open_files() -> None:
    """Allow this process as many open files as the system permits: the usual 1,024 are too few."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
