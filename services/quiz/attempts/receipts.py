"""The receipts that this process gave, the latest ones, so that an attempt is taken in once. In memory."""


class Receipts:
    """At most `most` receipts by attempt; the oldest half is forgotten at a time, which costs nothing."""

    def __init__(self, most: int) -> None:
        self._half = most // 2
        self._young: dict[str, bytes] = {}
        self._old: dict[str, bytes] = {}

    def get(self, attempt_id: str) -> bytes | None:
        """The receipt of an attempt, if it is remembered."""
        return self._young.get(attempt_id) or self._old.get(attempt_id)

    def add(self, attempt_id: str, receipt: bytes) -> None:
        """Remember a receipt."""
        self._young[attempt_id] = receipt
        if len(self._young) > self._half:
            self._old, self._young = self._young, {}
