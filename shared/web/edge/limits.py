"""The bounds of a process towards the network: what one client may use, and what all may use together."""

import resource
from dataclasses import dataclass

# Files of a process that are not connections of clients: to Kafka, to MongoDB, logs, libraries.
FILES_KEPT = 128


@dataclass(frozen=True, slots=True)
class Limits:
    """
    The bounds of one process; sizes in bytes, times in seconds.

    Args:
        headers_max: header lines of one request.
        head_seconds_max: from a request's first byte to the end of its head.
        body_seconds_max: from the end of the head to the end of the body, for a body that comes more
            slowly than `body_bytes_per_second_min`.
        idle_seconds_max: a connection without a request. Longer than clients and proxies keep theirs, so
            that none sends into a closing connection.
        stalled_seconds_max: a client that does not read its answer.
        linger_seconds: how long what a refused client still sends is read and dropped. If it were not
            read, the system would reset the connection, and the client might never see the refusal.
        pipelined_max: requests of one connection that wait for those before them.
        bodies_bytes_max: bodies of all requests that are not answered yet.
        under_way_max: requests to hot routes that are not answered yet.
        framework_under_way_max: requests to all other routes; each takes more memory.
        sweep_seconds: how often the deadlines are looked at; each may be late by as much.
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
    under_way_max: int = 16_000
    framework_under_way_max: int = 4_000
    sweep_seconds: float = 1.0


def connections_that_fit(wanted: int) -> int:
    """So many connections as wanted, or as the limit of open files leaves room for."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - FILES_KEPT))


def raise_open_files() -> None:
    """Allow this process as many open files as the system lets it: the usual 1,024 are few connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
