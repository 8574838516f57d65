"""
Trace contexts: which requests and events belong together, for tools that show traces.

Source: W3C Trace Context, section 3.2 (traceparent)
"""

import random


def new_traceparent() -> str:
    """A W3C trace context that starts a trace."""
    digits = f"{random.getrandbits(192):048x}"
    return f"00-{digits[:32]}-{digits[32:]}-01"


def trace_begun_by(random_id: str) -> str:
    """A W3C trace context that starts a trace; its random digits are those of this random UUID."""
    digits = random_id.replace("-", "")
    return f"00-{digits}-{digits[:16]}-01"
