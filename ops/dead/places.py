"""Records that operators name by their place in the log."""

import re
from collections.abc import Sequence

from ops.deployment.whole_topics import bounds_of, partners_topics
from ops.errors import CommandError
from shared.contracts import topics
from shared.messaging.connection import Kafka

_PLACE = re.compile(r"([a-z][a-z0-9_.-]*)/(\d{1,6})/(\d{1,18})")


class PlaceUnknown(CommandError):
    """A place names no record that the group reads."""


def check_readable(kafka: Kafka, group: str, places: Sequence[str]) -> None:
    """
    Check that each place, "topic/partition/offset", is that of a record which the group reads.

    Raises:
        PlaceUnknown: one is not.
        TopicsUnreadable: Kafka does not answer.
    """
    known = [*topics.LIVE, *partners_topics(kafka)]
    read = sorted(topic.name for topic in known if group in topic.all_groups)
    if not read:
        groups = sorted({one for topic in known for one in topic.all_groups})
        raise PlaceUnknown(f"there is no group {group}: {', '.join(groups)}")
    bounds = bounds_of(kafka, read)
    for place in places:
        found = _PLACE.fullmatch(place)
        if found is None:
            raise PlaceUnknown(
                f"{place} is no place: write TOPIC/PARTITION/OFFSET, such as quiz.submitted/3/17"
            )
        topic, partition, offset = found[1], int(found[2]), int(found[3])
        if topic not in read:
            raise PlaceUnknown(f"{group} does not read {topic}: it reads {', '.join(read)}")
        low, high = bounds.get((topic, partition), (0, 0))
        if not low <= offset < high:
            raise PlaceUnknown(f"there is no record {place}: the partition has offsets {low} to {high - 1}")
