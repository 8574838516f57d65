"""
A real mail server for the local week: it accepts every mail and writes it to a file.

    python -m ops.local.mailbox PORT FILE [SECONDS]

It takes so many seconds for each mail, by default none. It listens on this machine only, and delivers
nothing. One JSON object a line: message_id, to, subject, body.
"""

import asyncio
import email
import email.policy
import json
import os
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

MAIL_BYTES_MAX = 1_048_576


class Mailbox:
    """Writes mails to a file, and answers when a mail is written."""

    def __init__(self, path: Path, seconds: float = 0) -> None:
        self._seconds = seconds
        # Mails name people and their addresses: only the owner may read the file.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._file = os.fdopen(descriptor, "a", encoding="utf-8", buffering=1)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        """Take a mail."""
        await asyncio.sleep(self._seconds)
        content = envelope.content or b""
        original = content if isinstance(content, bytes) else content.encode()
        message = email.message_from_bytes(original, policy=email.policy.default)
        body = message.get_body(("plain",))
        line = {
            "message_id": message["Message-ID"],
            "to": envelope.rcpt_tos,
            "subject": message["Subject"],
            "body": body.get_content() if body else "",
        }
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        return "250 taken"


async def serve(port: int, path: Path, seconds: float = 0) -> None:
    """Serve until cancelled."""
    mailbox = Mailbox(path, seconds)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mailbox, data_size_limit=MAIL_BYTES_MAX, enable_SMTPUTF8=True, loop=loop),
        "127.0.0.1",
        port,
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]), *map(float, sys.argv[3:4])))
