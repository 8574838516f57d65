"""Moodle's categories as topics: the last part of a path such as $course$/天文."""

import re

_PARTS = re.compile(r"(?<!/)/(?!/)")


def topic_of_category(path: str) -> str | None:
    """The last part of the path of a category; None if it names only the top. A slash is written twice."""
    parts = [part.replace("//", "/").strip() for part in _PARTS.split(path.strip())]
    named = [part for part in parts if part and part not in ("top", "$course$", "$system$", "$module$")]
    return named[-1] if named else None


def category_of_topic(topic: str) -> str:
    """The path of a topic's category."""
    return f"$course$/{topic.replace('/', '//')}"


def topic_tag(topic: str) -> dict[str, str]:
    """A tag for a topic that the path of its category does not say, such as one that begins with a slash."""
    return {} if topic_of_category(category_of_topic(topic)) == topic else {"topic": topic}
