"""Cells of awards add up, and small ones of people are hidden."""

from services.awards.statistics.rules import By, Cell, Count, Row, cells_of, total


def row(district: str | None, unit: str | None, held: int, *, groups: int = 0, revoked: int = 0) -> Row:
    """People with one award each, and groups."""
    names: dict[By, str | None] = {"district": district, "unit": unit, "audience": None}
    recipients = held + revoked
    return Row(names, Count(held, revoked, 0, recipients, recipients - groups))


def shown(rows: list[Row], by: By) -> dict[str | None, int | None]:
    return {cell.name: cell.count.held if cell.count else None for cell in cells_of(rows, by)}


def test_awards_by_scheme_are_never_hidden_and_those_without_a_name_come_last() -> None:
    names: list[dict[By, str | None]] = [
        {"scheme": "b", "tier": None, "kind": "flag"},
        {"scheme": "a", "tier": "一等奖", "kind": "prize"},
        {"scheme": "a", "tier": "二等奖", "kind": "prize"},
    ]
    rows = [Row(one, Count(held=1, revoked=number)) for number, one in enumerate(names)]
    assert cells_of(rows, "scheme") == [Cell("a", Count(2, 3)), Cell("b", Count(1, 0))]
    assert [cell.name for cell in cells_of(rows, "tier")] == ["一等奖", "二等奖", None]
    assert total(rows) == Count(3, 3)


def test_a_district_of_few_people_is_hidden_with_another_one() -> None:
    rows = [row("甲", None, 1), row("乙", None, 6), row("丙", None, 9, revoked=2)]
    assert shown(rows, "district") == {"甲": None, "乙": None, "丙": 9}


def test_awards_of_groups_alone_are_shown_and_hide_nobody() -> None:
    rows = [row("甲", "队", 1, groups=1), row("乙", "校", 2), row("丙", "厂", 9), row("丁", "店", 7)]
    assert shown(rows, "district") == {"甲": 1, "乙": None, "丙": 9, "丁": None}
    # A group's own award is in its unit too; the unit's people are still few.
    rows.append(row("乙", "校", 1, groups=1))
    assert shown(rows, "unit") == {"队": 1, "校": None, "厂": 9, "店": None}


def test_a_unit_is_hidden_if_its_district_would_give_it_away() -> None:
    rows = [row("甲", "a", 2), row("甲", "b", 9), row("乙", "c", 3), row("乙", "d", 9), row("丙", "e", 20)]
    # All units: a and c hide each other. But each is alone in its district, which is shown.
    assert shown(rows, "district") == {"甲": 11, "乙": 12, "丙": 20}
    assert shown(rows, "unit") == {"a": None, "b": None, "c": None, "d": None, "e": 20}
