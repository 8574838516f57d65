"""What a process remembers of the latest attempts, in memory and within a bound."""

from typing import Generic, TypeVar

Value = TypeVar("Value")


class Latest(Generic[Value]):
    """
    At most `attempts_max` values by attempt.

    If there are more, the older half is deleted at once. This costs almost nothing.
    """

    def __init__(self, attempts_max: int) -> None:
        self._half = attempts_max // 2
        self._young: dict[str, Value] = {}
        self._old: dict[str, Value] = {}

    def get(self, attempt_id: str) -> Value | None:
        """The value of an attempt, if it is remembered."""
        return self._young.get(attempt_id) or self._old.get(attempt_id)

    def add(self, attempt_id: str, value: Value) -> None:
        """Remember a value."""
        self._young[attempt_id] = value
        if len(self._young) > self._half:
            self._old, self._young = self._young, {}
