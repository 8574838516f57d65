"""People get refusals in their language."""

import pytest

from tests.registration.builders import activity, ask, put, service


@pytest.mark.stack
async def test_a_refusal_is_told_in_the_language_asked_for(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=2))
        client.headers["Accept-Language"] = "zh-CN"
        too_many = await ask(client, "one", places=3)
        assert too_many.json()["detail"] == "这个场次总共只有 2 个名额"
        unknown = await ask(client, "none")
        assert unknown.json()["detail"] == "没有编号为 none 的场次"
        times = {"starts_at": "2030-01-02T00:00:00Z", "ends_at": "2030-01-01T00:00:00Z"}
        late = await put(client, "street", activity("one", 2, **times))  # type: ignore[arg-type]
        assert "场次的结束时间必须晚于开始时间" in late.json()["detail"]
