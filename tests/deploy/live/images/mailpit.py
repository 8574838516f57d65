#!/usr/local/bin/python
"""Stands in for Mailpit: catches mails on port 1025, keeps them in a file, lists them on port 8025."""

import email.policy
import json
import os
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from aiosmtpd.controller import Controller

KEPT = Path(os.environ.get("MP_DATABASE", "/data/mailpit.db"))


def keep(line: str) -> None:
    with KEPT.open("a") as file:
        file.write(line + "\n")


class Catcher:
    async def handle_DATA(self, _: object, __: object, envelope: object) -> str:  # noqa: N802
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)  # type: ignore[attr-defined]
        body = message.get_body(("plain",))
        to, id_ = str(message["To"]), str(message["Message-ID"]).strip("<>")
        kept = {"MessageID": id_, "To": [{"Address": to}], "Text": body.get_content() if body else ""}
        keep(json.dumps(kept))
        return "250 caught"


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kept = [json.loads(line) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []
        if self.path.startswith("/api/v1/message/"):
            found: object = kept[int(self.path.rpartition("/")[2])]
        else:
            named = [{"ID": str(at), **one} for at, one in enumerate(kept)]
            found = {"messages": named[::-1]}
        said = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        pass


if sys.argv[1:] == ["readyz"]:
    urllib.request.urlopen("http://127.0.0.1:8025/readyz", timeout=4)
else:
    Controller(Catcher(), hostname="", port=1025).start()
    print("mailpit stand-in", time.time(), flush=True)  # noqa: T201
    ThreadingHTTPServer(("", 8025), Page).serve_forever()
