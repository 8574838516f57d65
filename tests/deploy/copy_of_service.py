"""A copy of some service for a proxy: python -m tests.deploy.copy_of_service PORT"""

import asyncio
import sys

from fastapi import FastAPI, Request
from starlette.responses import Response

from shared.web.app import serve
from tests.support.web import bare_app


def assembled(port: int) -> FastAPI:
    """Says where a request came from, what it asked for, and which copy answers."""
    app = bare_app(port=port, root_path="/api/quiz", trusted_proxies="127.0.0.1")

    @app.get("/where")
    async def where(request: Request, x: str = "") -> dict[str, object]:
        # `x` is only looked at as part of the query, and a service refuses what it does not know.
        path = request.url.path.removeprefix("/api/quiz")
        return {
            "client": request.client and request.client.host,
            "copy": port,
            "path": f"{path}?{request.url.query}",
        }

    @app.post("/things")
    async def things() -> int:
        return port

    @app.get("/consents/{code}")
    async def consents(code: str) -> Response:
        await asyncio.sleep(30)
        return Response(code)

    return app


if __name__ == "__main__":
    app = assembled(int(sys.argv[1]))
    serve(app, app.state.settings)
