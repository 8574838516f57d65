"""No answer grows without a bound: each list in it is a page, or has a number of items at most."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from shared.web.hot_endpoints import HotEndpoint
from shared.web.routes import Routes

ROOT = Path(__file__).parent.parent
# Those that answer: the bridge for partners has no routes.
SERVICES = sorted({api.parents[1].name for api in ROOT.glob("services/*/*/api.py")})

Schema = dict[str, Any]


@pytest.mark.parametrize("service", SERVICES)
def test_every_list_in_an_answer_is_a_page_or_has_a_bound(service: str) -> None:
    document = described(service)
    assert document["paths"]
    assert list(unbounded(document)) == []


def test_a_list_without_a_bound_is_found() -> None:
    routes = Routes(tags=["test"])

    @routes.get("/pages")
    async def page(limit: int, after: str = "") -> dict[str, Any]:
        return {}

    @routes.get("/lists")
    async def everything() -> list[str]:
        return []

    @routes.get("/maps")
    async def by_name() -> dict[str, int]:
        return {}

    app = FastAPI()
    app.include_router(routes)
    document = app.openapi()
    shown = {"type": "array", "items": {"type": "array"}}
    answer = {"properties": {"pages": shown, "after": {"type": "string"}}}
    good = document["paths"]["/pages"]["get"]["responses"]["200"]["content"]["application/json"]
    good["schema"] = answer
    assert list(unbounded(document)) == ["get /pages: .pages[]", "get /lists: ", "get /maps: {}"]


@pytest.mark.parametrize("service", SERVICES)
def test_no_two_bodies_have_one_name(service: str) -> None:
    """FastAPI would call them by their modules, and clients that are generated would have such names."""
    assert [name for name in described(service)["components"]["schemas"] if "__" in name] == []


def described(service: str) -> Schema:
    """The OpenAPI document of the rooms of a service."""
    app = FastAPI()
    rooms = ROOT / "services" / service
    for path in sorted([*rooms.glob("*/api.py"), *rooms.glob("*/hot.py")]):
        module = import_module(f"services.{service}.{path.parent.name}.{path.stem}")
        for value in vars(module).values():
            if isinstance(value, Routes):
                app.include_router(value)
            elif isinstance(value, HotEndpoint):
                value.add_to(app.router)
    return app.openapi()


def unbounded(document: Schema) -> Iterator[str]:
    """Lists and maps in good answers that may have any number of items, by route and place."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            asked = {one["name"] for one in operation.get("parameters", ())}
            for status, answer in operation["responses"].items():
                for content in answer.get("content", {}).values() if status < "3" else ():
                    schema = content.get("schema", {})
                    is_page = "limit" in asked and "after" in _resolved(schema, document).get(
                        "properties", {}
                    )
                    for place in _places(schema, document, ""):
                        # A page may have `limit` items, but not any number of others in each.
                        if not is_page or place.count(".") > 1 or "[" in place or "{" in place:
                            yield f"{method} {path}: {place}"


def _places(schema: Schema, document: Schema, place: str) -> Iterator[str]:
    schema = _resolved(schema, document)
    for name in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(name, ()):
            yield from _places(part, document, place)
    if schema.get("type") == "array":
        if "maxItems" not in schema:
            yield place
        yield from _places(schema.get("items", {}), document, f"{place}[]")
    for name, part in schema.get("properties", {}).items():
        yield from _places(part, document, f"{place}.{name}")
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        if "maxProperties" not in schema and "enum" not in schema.get("propertyNames", {}):
            yield f"{place}{{}}"
        yield from _places(values, document, f"{place}{{}}")


def _resolved(schema: Schema, document: Schema) -> Schema:
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].split("/")[1:]:
            found = found[part]
        schema = found
    return schema
