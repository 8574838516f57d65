"""
The answer of a route that streams a board.

    @routes.get("/quizzes/{quiz_id}/standings/live", status_code=200, response_class=EventStream)
    async def listen(...) -> EventStream:
        check_scores_shown(...)
        return EventStream(boards, listeners, ("standings", quiz_id), read, view)

Each listener has a task, which sleeps until its board wakes it. It sends what the board shows then, not what
it has shown in between. So a slow listener gets less, and nothing is kept for it.
"""

import asyncio
from collections.abc import Hashable

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.web.edge.streams import CONNECTION, HEAD_ONLY, STREAM_TYPE
from shared.web.live.boards import Boards, Live, Read
from shared.web.live.coding import coding_for
from shared.web.live.frames import BEAT, retry
from shared.web.live.listeners import Listener, Listeners
from shared.web.senders import address_of

# When a client comes back whose stream has ended or broken off.
AGAIN_SECONDS = 2.0, 5.0
# After the last event there is no hurry: it only hears that nothing follows.
FINISHED_SECONDS = 5.0, 60.0
DISPLACED_SECONDS = 60.0, 120.0
LAST_ID = b"last-event-id"
# `no-store` comes from the edge. A proxy that gathers an answer before it sends it would hold events back.
HEADERS = [
    (b"content-type", STREAM_TYPE),
    (b"x-accel-buffering", b"no"),
    (b"vary", b"accept-encoding"),
]


class EventStream(Response):
    """
    A stream of server-sent events; the framework sends it as any other response.

    Before anything is sent, Overloaded is raised if too many listen, and Unavailable if the board cannot be
    read. A client that comes again with the id of the very last event gets 204: then browsers stay away.

    Args:
        key: of the board, such as ("standings", "contest"); it is read once for all who listen to this key.
        read: reads the board. That of the first listener is used.
        view: what this listener is shown of it.
        by: the name of the organiser's key that the request carries.
        first: events for this listener alone, sent at the beginning.
    """

    media_type = STREAM_TYPE.decode()

    def __init__(
        self,
        boards: Boards,
        listeners: Listeners,
        key: Hashable,
        read: Read,
        view: Hashable,
        *,
        by: str = "",
        first: bytes = b"",
    ) -> None:
        super().__init__()
        self._boards = boards
        self._listeners = listeners
        self._key = key
        self._read = read
        self._view = view
        self._by = by
        self._first = first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, until nothing follows, the client goes or the process ends it."""
        if scope.get(HEAD_ONLY):
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await send({"type": "http.response.body", "body": b""})
            return
        listener = self._listeners.admit(
            self._view, address=address_of(scope), key=self._by, connection=scope.get(CONNECTION)
        )
        try:
            live = self._boards.join(self._key, self._read, listener)
            try:
                await self._listen(live, listener, dict(scope["headers"]), receive, send)
            finally:
                await self._boards.leave(self._key, listener)
        finally:
            self._listeners.leave(listener, listener.why or "left")

    async def _listen(
        self, live: Live, listener: Listener, asked: dict[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        last_id, coding = asked.get(LAST_ID, b""), coding_for(asked.get(b"accept-encoding", b""))
        shown = await live.shown()
        frame = shown.frame(self._view, None)
        has_it = last_id == frame.id.encode() != b""
        if frame.ends and has_it:
            listener.why = "finished"
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        going = asyncio.create_task(_until_gone(receive, listener))
        try:
            headers = [*HEADERS, *coding.headers]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            said = coding.begin() + coding.alone(retry(*AGAIN_SECONDS) + self._first)
            said += b"" if has_it else coding.shared(frame.events)
            seen, beats = shown, live.beats
            while True:
                await _say(listener, send, said)
                if frame.ends:
                    listener.why = listener.why or "finished"
                if listener.why is not None:
                    break
                await listener.woken()
                shown, said = await live.shown(), b""
                if shown is not seen:
                    frame = shown.frame(self._view, frame.mark)
                    seen, said = shown, coding.shared(frame.events)
                if live.beats != beats:
                    beats, said = live.beats, said or coding.alone(BEAT)
            if listener.why != "left":
                last = coding.alone(_farewell(listener)) + coding.end()
                await send({"type": "http.response.body", "body": last})
        finally:
            going.cancel()


async def _say(listener: Listener, send: Send, said: bytes) -> None:
    if said:
        listener.sends = True
        try:
            await send({"type": "http.response.body", "body": said, "more_body": True})
        finally:
            listener.sends = False


async def _until_gone(receive: Receive, listener: Listener) -> None:
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    except HTTPException:
        # It has sent a body, and one that is too large.
        pass
    listener.end("left")


def _farewell(listener: Listener) -> bytes:
    if listener.why == "finished":
        return retry(*FINISHED_SECONDS)
    return retry(*DISPLACED_SECONDS) if listener.why == "displaced" else b""
