"""
What the start of an attempt leaves for fair play: keyed hashes of the client's address and of its device.

Neither is kept in clear. The key is derived from quiz's own secret and the quiz. So the hashes of two quizzes
cannot be compared, and whoever has only the database cannot try all addresses
(docs/decisions/0066-fair-play.md).
"""

from hashlib import blake2b, sha512
from typing import Annotated

import msgspec

from services.quiz.attempts.rules import Trace
from shared.runtime.errors import Rejected
from shared.web.senders import network_of

TRACE_BYTES = 8
DEVICE_CHARS_MIN = 16
DEVICE_CHARS_MAX = 128
DEVICE_PATTERN = rf"^[A-Za-z0-9_.:-]{{{DEVICE_CHARS_MIN},{DEVICE_CHARS_MAX}}}$"


class _Start(msgspec.Struct):
    device: Annotated[str, msgspec.Meta(pattern=DEVICE_PATTERN.replace("$", r"\Z"))] | None = None


_starts = msgspec.json.Decoder(_Start)


def device_in(body: bytes) -> str | None:
    """
    The device that the body of a start names; a start needs no body.

    Raises:
        Rejected: the body cannot be read.
    """
    if not body:
        return None
    try:
        return _starts.decode(body).device
    except (msgspec.MsgspecError, UnicodeError):
        raise Rejected(
            f"the body of a start is empty or names a device that matches {DEVICE_PATTERN}",
            code="start_malformed",
        ) from None


class Tracer:
    """Makes traces with keys derived from one secret: two for each quiz, of addresses and of devices."""

    def __init__(self, secret: str) -> None:
        self._secret = sha512(b"kepu fair play\0" + secret.encode()).digest()
        # By quiz: only quizzes that exist come here.
        self._macs: dict[str, tuple[blake2b, blake2b]] = {}

    def trace(self, quiz_id: str, address: str, device: str | None) -> Trace:
        """
        The trace of a start.

        Args:
            address: of the client; of IPv6 its network of 2**64 addresses counts. Empty if it is not known.
        """
        if (macs := self._macs.get(quiz_id)) is None:
            macs = self._macs[quiz_id] = self._keyed(quiz_id, b"address"), self._keyed(quiz_id, b"device")
        of_address, of_device = macs
        network = network_of(address) if ":" in address else address
        return Trace(
            _digest(of_address, network) if network else None, _digest(of_device, device) if device else None
        )

    def _keyed(self, quiz_id: str, purpose: bytes) -> blake2b:
        key = blake2b(quiz_id.encode(), key=self._secret, person=purpose).digest()
        return blake2b(key=key, digest_size=TRACE_BYTES)


def _digest(mac: blake2b, text: str) -> bytes:
    # A copy contains the key already: half the cost of a new one.
    mac = mac.copy()
    mac.update(text.encode())
    return mac.digest()
