"""The OpenAPI document of notifications."""

import pytest

from services.notifications.app import assemble
from tests.notifications.builders import settings

pytestmark = pytest.mark.stack


async def test_every_route_is_described_with_a_summary(kafka: str, mongo: str) -> None:
    document = assemble(settings(mongo=mongo, kafka=kafka)).openapi()
    routes = [route for path in document["paths"].values() for route in path.values()]
    assert len(routes) >= 9
    assert all(route["summary"] for route in routes)
