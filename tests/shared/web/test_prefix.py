"""A service below a path: the proxy takes it off, and the addresses of the documentation still lead there."""

import re

import httpx
import pytest
from fastapi import FastAPI

from shared.web.hot import HotRequest, HotRoute
from tests.support.service import running
from tests.support.web import bare_app


def assembled(root_path: str) -> FastAPI:
    async def hot(request: HotRequest) -> tuple[int, bytes]:
        return 202, request.id.encode()

    app = bare_app(HotRoute("POST", "/hot/{name}/size", hot), root_path=root_path)

    @app.get("/things/{name}")
    async def thing(name: str) -> str:
        return name

    return app


@pytest.mark.parametrize("root_path", ["", "/quiz", "/week/2026/quiz"])
async def test_every_address_of_the_documentation_is_below_the_path_of_the_service(root_path: str) -> None:
    async with running(assembled(root_path)) as http:

        async def fetched(address: str) -> httpx.Response:
            """As through the proxy, which takes the path off."""
            assert address.startswith(f"{root_path}/")
            return await http.get(address.removeprefix(root_path))

        for page in ("/docs", "/redoc"):
            text = (await fetched(root_path + page)).text
            named = re.findall(r"""(?:src|href|url:|spec-url=)\s*=?\s*["'](/[^"']+)["']""", text)
            assert f"{root_path}/openapi.json" in named or f"{root_path}/openapi.json" in text
            assert len(named) >= 2
            for address in named:
                assert (await fetched(address)).status_code == 200, address
        document = (await fetched(f"{root_path}/openapi.json")).json()
    assert document.get("servers", [{"url": ""}]) == [{"url": root_path}]


async def test_paths_arrive_without_the_path_of_the_service() -> None:
    async with running(assembled("/quiz")) as http:
        assert (await http.get("/things/one")).json() == "one"
        assert (await http.post("/hot/one/size")).content == b"one"
        # Not taken off twice.
        assert (await http.get("/quiz/things/one")).status_code == 404
        assert (await http.get("/things/quiz/")).status_code == 404
