"""
The headers of a delivery: its id, its time and its signatures.

Source: Standard Webhooks 1.0.0 (standardwebhooks.com), "Webhook metadata" and "Signature scheme"
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable
from datetime import datetime

CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
SCHEME = "v1"
USER_AGENT = "kepu-week-webhooks"


def signature_of(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature of a body that is sent at this time, in seconds since 1970."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return f"{SCHEME},{b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()}"


def headers_of(secrets: Iterable[bytes], message_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """
    The headers of one try.

    Args:
        secrets: all that sign now. Each gives a signature, so a partner may know any of them.
    """
    timestamp = int(now.timestamp())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(
            signature_of(secret, message_id, timestamp, body) for secret in secrets
        ),
        "content-type": CONTENT_TYPE,
        "user-agent": USER_AGENT,
    }
