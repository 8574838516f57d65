"""The latest receipts that this process gave, in memory, so that it accepts an attempt once."""

import msgspec

from shared.runtime.errors import Conflict


# No tuple: there is one for each submission, and the garbage collector need not look at them.
class Receipt(msgspec.Struct, frozen=True, gc=False):
    """
    A receipt as it was sent.

    Attributes:
        of: the hash of the body that it was given for. Two bodies with one hash are not to be feared: Python
            makes hashes of bytes with a secret of the process.
    """

    json: bytes
    of: int


class AlreadySubmitted(Conflict):
    """The attempt is submitted with other answers. The problem shows the first receipt."""

    def __init__(self, attempt_id: str, receipt: Receipt) -> None:
        super().__init__(
            f"attempt {attempt_id} is submitted already; the first submission counts",
            code="attempt_submitted",
        )
        self.shown = {"receipt": msgspec.Raw(receipt.json)}


class Receipts:
    """
    At most `receipts_max` receipts by attempt.

    If there are more, the older half is deleted at once. This costs almost nothing.
    """

    def __init__(self, receipts_max: int) -> None:
        self._half = receipts_max // 2
        self._young: dict[str, Receipt] = {}
        self._old: dict[str, Receipt] = {}

    def get(self, attempt_id: str) -> Receipt | None:
        """The receipt of an attempt, if it is remembered."""
        return self._young.get(attempt_id) or self._old.get(attempt_id)

    def add(self, attempt_id: str, receipt: Receipt) -> None:
        """Remember a receipt."""
        self._young[attempt_id] = receipt
        if len(self._young) > self._half:
            self._old, self._young = self._young, {}
