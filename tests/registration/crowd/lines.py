"""Keep-alive connections that cost little, so that the crowd takes no core from the copies."""

import asyncio
import json
from typing import Any

ANSWER_SECONDS_MAX = 30.0
HEAD_BYTES_MAX = 65_536


class Lost(Exception):
    """The connection has ended without a whole answer: the request was carried out or not."""


class Line:
    """One connection to a copy, made anew after it was lost."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(
        self, method: str, path: str, body: dict[str, Any], headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """
        Send a request.

        Returns: the status and the answer.
        Raises:
            Lost: the copy was killed, or is not there yet.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                return await self._ask(method, path, body, headers)
        except (OSError, EOFError, TimeoutError) as error:
            self.close()
            raise Lost from error

    async def _ask(
        self, method: str, path: str, body: dict[str, Any], headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        content = json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(content)}"]
        lines += ["Content-Type: application/json", *(f"{name}: {text}" for name, text in headers.items())]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + content)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length:")[2].split("\r\n", 1)[0])
        answer = await self._reader.readexactly(length)
        if "connection: close" in head:
            self.close()
        return int(head.split(" ", 2)[1]), json.loads(answer)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None
