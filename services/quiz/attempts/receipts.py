"""The receipts that this process gave. It remembers the latest ones, so that it accepts an attempt once."""

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
