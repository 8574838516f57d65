"""A service below a path such as /quiz, where the public reaches several services at one address."""

from starlette.types import ASGIApp, Receive, Scope, Send


def below(root_path: str, app: ASGIApp) -> ASGIApp:
    """
    The app, told of the path that the reverse proxy has taken off.

    The framework takes it off again, and writes it into the addresses of the documentation. The edge and the
    hot routes see paths without it, as the proxy sends them.
    """
    if not root_path:
        return app

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "root_path": root_path, "path": root_path + scope["path"]}
        await app(scope, receive, send)

    return told
