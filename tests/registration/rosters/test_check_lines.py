"""Lines as members: every bad cell is named by line and heading, and no good line is lost."""

import pytest

from services.registration.rosters.bodies import LineFaultOut
from services.registration.rosters.check_lines import Checked, check_lines
from services.registration.rosters.read_table import read_table
from services.registration.rosters.rules import Details, compare, identity_of
from shared.runtime.errors import Rejected
from tests.registration.builders import KEYS


def checked(text: str) -> Checked:
    return check_lines(read_table(text.encode()), "school-1", KEYS.hash)


def faults(text: str) -> list[tuple[int, str | None, str]]:
    return [(fault.line, fault.column, fault.code) for fault in checked(text).faults]


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        (",一班,a@example.org,青少年,是", "姓名", "missing"),
        ("李,一班,nobody,青少年,是", "邮箱", "email"),
        ("李,一班,a@example.org,学生,是", "人群", "audience_unknown"),
        ("李,一班,a@example.org,青少年,也许", "未成年", "is_minor_unknown"),
        (f"{'李' * 101},一班,,,", "姓名", "string_too_long"),
        (f"李,{'一' * 61},,,", "班级", "string_too_long"),
        ("李\u202e明,一班,,,", "姓名", "line_direction"),
        ("\u3164,一班,,,", "姓名", "line_blank"),
        ("看 www.example.com,一班,,,", "姓名", "name_link"),
        ("李\u0007明,一班,,,", "姓名", "line_control"),
    ],
)
def test_a_bad_cell_is_named(cells: str, column: str, code: str) -> None:
    text = f"姓名,班级,邮箱,人群,未成年\n王芳,一班,,,\n{cells}\n"
    assert faults(text) == [(3, column, code)]
    assert len(checked(text).good) == 1


def test_every_bad_cell_of_a_line_is_named() -> None:
    assert faults("name,email,minor\n,nobody,maybe\n") == [
        (2, "name", "missing"),
        (2, "minor", "is_minor_unknown"),
        (2, "email", "email"),
    ]


def test_two_lines_of_the_same_member_are_both_bad_and_a_number_tells_them_apart() -> None:
    assert faults("姓名,班级\n李 明,1班\n王芳,1班\n李  明,１班\n") == [
        (2, None, "line_doubled"),
        (4, None, "line_doubled"),
    ]
    assert faults("姓名,班级,学号\n李明,1班,1\n李明,1班,2\n") == []


def test_a_fault_says_what_is_wrong_in_both_languages_and_never_what_stands_there() -> None:
    for fault in checked("姓名,邮箱,人群\n李明,nobody,学生\n李明,,\n李明,,\n").faults:
        words = {LineFaultOut.of(fault, language).message for language in ("zh-CN", "en")}
        assert len(words) == 2
        assert not any(word in text for text in words for word in ("李明", "nobody", "学生"))


def test_headings_are_found_in_both_languages_and_unknown_ones_are_named() -> None:
    found = checked("Class, E-mail ,NAME,备注\n1班,a@example.org,Li,x\n")
    assert list(found.good.values()) == [Details("Li", "1班", None, "a@example.org")]
    assert found.ignored == ["备注"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "roster_empty"),
        ("姓名\n", "roster_empty"),
        ("班级\n1班\n", "roster_column_missing"),
        ("姓名,name\n李,Li\n", "roster_column_doubled"),
    ],
)
def test_a_file_without_what_is_needed_is_refused(text: str, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        checked(text)
    assert refused.value.code == code


def test_the_young_are_minors_unless_the_file_says_otherwise() -> None:
    found = checked("姓名,人群,未成年\n甲,青少年,\n乙,青少年,否\n丙,农民,\n丁,,是\n")
    assert [one.is_minor for one in found.good.values()] == [True, False, False, True]


def test_a_corrected_contact_is_the_same_member_and_another_name_or_body_is_not() -> None:
    one = Details("李明", "1班")
    same = identity_of(one, "school-1", KEYS.hash)
    assert identity_of(Details("李明", "１班", email="a@example.org"), "school-1", KEYS.hash) == same
    assert identity_of(Details("李鸣", "1班"), "school-1", KEYS.hash) != same
    assert identity_of(one, "school-2", KEYS.hash) != same
    assert identity_of(Details("李明1班"), "school-1", KEYS.hash) != same


def test_a_comparison_says_who_is_new_who_changes_and_who_stays() -> None:
    assert compare({"a": "1", "b": "1", "c": "1"}, {"b": "2", "c": "1", "d": "1"}) == (["a"], ["b"], ["c"])
