"""Each refusal of registration has Chinese words, and people get them."""

import re
from pathlib import Path

import pytest

import services.registration
from services.registration.booking import wording as booking
from services.registration.check_in import wording as check_in
from services.registration.participants import wording as participants
from services.registration.programme import wording as programme
from tests.registration.builders import activity, ask, put, service

CHINESE = participants.CHINESE | booking.CHINESE | programme.CHINESE | check_in.CHINESE
SOURCES = sorted(Path(services.registration.__file__).parent.rglob("*.py"))
CODE = re.compile(r'(?:code=|_rejected\(\s*|PydanticCustomError\(\s*)"([a-z_]+)"')
# Told by what all services share.
SHARED = {"token_missing"}


def test_every_code_that_is_told_has_chinese_words_and_no_other_has() -> None:
    codes = {code for source in SOURCES for code in CODE.findall(source.read_text("utf-8"))}
    assert codes - SHARED == CHINESE.keys()


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
