"""
Ask this process's own questions of health, for the health checks of containers.

    python -m shared.web.probe livez readyz

ends with 0 if all answers are good. It runs every few seconds, so it imports next to nothing.
"""

import os
import socket
import sys

SECONDS_MAX = 4.0


def is_good(question: str, port: int) -> bool:
    """Whether the process on this port answers the question with 200, in time."""
    try:
        with socket.create_connection(("127.0.0.1", port), SECONDS_MAX) as asking:
            asking.sendall(
                f"GET /{question} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
            )
            # The first line comes with the first bytes.
            return asking.recv(64).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


if __name__ == "__main__":
    listening = int(os.environ.get("KEPU_PORT", "8000"))
    sys.exit(not all(is_good(question, listening) for question in sys.argv[1:]))
