"""A chain as people and programs read it."""

from collections.abc import Iterator, Sequence
from typing import Any

from ops.tracing.chain import Seen


def lines(records: Sequence[Seen]) -> Iterator[str]:
    """A line for each record, the time first; a second one says why a group gave it up."""
    for one in records:
        again = f"  sent again {one.redriven_times} times" if one.redriven_times else ""
        cause = f"  follows from {one.cause}" if one.cause else ""
        yield f"{one.at:%m-%d %H:%M:%S.%f}"[:-3] + (
            f"  {one.place}  {one.type or 'no type'}  {one.id or 'no id'}{cause}{again}"
        )
        if one.given_up:
            group, code, reason = one.given_up
            yield f"{'':18}  given up by {group}: {code}: {reason} (its record is {one.origin})"


def as_seen(one: Seen) -> dict[str, Any]:
    """The same for programs."""
    group, code, reason = one.given_up or (None, None, None)
    return {
        "at": one.at.isoformat(),
        "topic": one.topic,
        "partition": one.partition,
        "offset": one.offset,
        "type": one.type,
        "id": one.id,
        "key": one.key,
        "source": one.source,
        "cause": one.cause or None,
        "correlation_id": one.correlation_id,
        "dead_group": group,
        "dead_code": code,
        "dead_reason": reason,
        "dead_place": one.origin or None,
    }
