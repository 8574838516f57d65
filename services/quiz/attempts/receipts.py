"""The latest receipts that this process gave, in memory, so that it accepts an attempt once."""


class Receipts:
    """
    At most `receipts_max` receipts by attempt.

    If there are more, the older half is deleted at once. This costs almost nothing.
    """

    def __init__(self, receipts_max: int) -> None:
        self._half = receipts_max // 2
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
