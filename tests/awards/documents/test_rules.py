"""What a template may say, and how its texts are filled."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.awards.documents.defaults import DEFAULTS
from services.awards.documents.faces import face
from tests.awards.documents.builders import ISSUER, URL, award, block, page, template


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"blocks": [block("{nam}")]}, "placeholder_unknown"),
        ({"blocks": [block("{}")]}, "placeholder_unknown"),
        ({"blocks": [block("{name")]}, "placeholder_unknown"),
        ({"blocks": [block("#eval(1) }")]}, "placeholder_unknown"),
        ({"blocks": [block(x=100, width=198)]}, "beyond_page"),
        ({"blocks": [block(y=200)]}, "beyond_page"),
        ({"qr": {"x": 280, "y": 10, "width": 20}}, "beyond_page"),
        ({"schemes": ["one", "one"]}, "scheme_twice"),
        ({"paper": {"width": 2001, "height": 100}}, "less_than_equal"),
        ({"paper": {"width": 49, "height": 100}}, "greater_than_equal"),
        ({"blocks": []}, "too_short"),
        ({"blocks": [block()] * 31}, "too_long"),
        ({"background": "red"}, "string_pattern_mismatch"),
        ({"blocks": [block(link="https://…")]}, "extra_forbidden"),
    ],
)
def test_a_template_that_says_something_wrong_is_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        template(**changes)
    assert code in {one["type"] for one in refused.value.errors()}


def test_what_is_exactly_as_large_as_the_page_is_on_it() -> None:
    template(blocks=[block(x=0, y=0, width=297, height=210)])


def test_a_text_about_something_that_the_award_does_not_have_is_not_drawn() -> None:
    of = template(blocks=[block("等级：{tier}"), block("{unit}"), block("{name}{tier}"), block("科普")])
    assert page(of, "李明", None, tier=None).texts == (None, None, "李明", "科普")
    assert page(of, "李明", "一中").texts == ("等级：一等奖", "一中", "李明一等奖", "科普")


def test_the_text_of_a_placeholder_is_not_filled_again() -> None:
    of = template(blocks=[block("{name}")])
    assert page(of, "{code}").texts == ("{code}",)


@pytest.mark.parametrize(
    ("month", "day", "said"),
    [(1, 1, "一月一日"), (10, 10, "十月十日"), (11, 20, "十一月二十日"), (12, 31, "十二月三十一日")],
)
def test_dates_are_written_in_characters_by_the_day_in_china(month: int, day: int, said: str) -> None:
    # Shortly after midnight in China it is still the day before in UTC.
    from datetime import datetime

    from services.awards.documents.faces import ZONE

    at = datetime(2030, month, day, 0, 30, tzinfo=ZONE)
    of = template(blocks=[block("{date_in_characters}"), block("{date}")])
    assert page(of, "李明", issued_at=at).texts == (f"二〇三〇年{said}", f"2030年{month}月{day}日")


def test_whoever_has_no_known_name_gets_a_document_that_names_nobody() -> None:
    of = template(blocks=[block("{name}：")])
    assert face(award(), None, of, "zh-CN", URL, ISSUER).texts == ("本证书持有者：",)
    assert face(award(), None, of, "en", URL, ISSUER).texts == ("The holder of this document：",)


def test_the_code_leads_to_the_page_of_this_version_of_the_award() -> None:
    assert page(template(), "李明", version=3).address == f"{URL}/verify/KW-7Q2MA-X4D0P?version=3"


def test_each_kind_has_a_default_template_that_says_code_date_and_issuer() -> None:
    for kind, of in DEFAULTS.items():
        said = "".join(one or "" for one in page(of, "李明", kind=kind).texts)
        assert "李明" in said
        assert "KW-7Q2MA-X4D0P" in said
        assert ISSUER in said
        assert "二〇二三年五月二十五日" in said
        assert of.qr is not None
