"""How deeply JSON is nested. Who writes it again, or looks into it, calls a function for each level."""

from typing import Any

# Our deepest event has 4 levels.
LEVELS_MAX = 32


def is_nested_deeply(value: Any) -> bool:
    """Whether lists and objects in each other have more levels than `LEVELS_MAX`."""
    level = [value]
    for _ in range(LEVELS_MAX + 1):
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return bool(level)
