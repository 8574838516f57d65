"""
Dates and times as text, in both languages and in the time zone of the week. All functions are pure.

A message stored by an older version may contain any time. For a time outside the calendar the text is "to be
announced".
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from shared.contracts.checked import YEARS

# The zone that is printed on the posters, whatever the server's zone.
TIMEZONE = ZoneInfo("Asia/Shanghai")

# Not strftime: its names depend on the locales of the machine.
_DAYS_ZH = "一二三四五六日"
_DAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS_EN = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip


def moment_zh(moment: datetime) -> str:
    """2023年5月20日（星期六）09:00（北京时间）"""
    if not _is_shown(moment):
        return "另行通知"
    local = moment.astimezone(TIMEZONE)
    return f"{date_zh(local)}（星期{_DAYS_ZH[local.weekday()]}）{local:%H:%M}（北京时间）"


def moment_en(moment: datetime) -> str:
    """Saturday, 20 May 2023, 09:00 (Beijing time)"""
    if not _is_shown(moment):
        return "to be announced"
    local = moment.astimezone(TIMEZONE)
    return f"{_DAYS_EN[local.weekday()]}, {date_en(local)}, {local:%H:%M} (Beijing time)"


def brief_zh(moment: datetime) -> str:
    """5月20日09:00"""
    if not _is_shown(moment):
        return "另行通知"
    local = moment.astimezone(TIMEZONE)
    return f"{local.month}月{local.day}日{local:%H:%M}"


def brief_en(moment: datetime) -> str:
    """20 May 09:00"""
    if not _is_shown(moment):
        return "to be announced"
    local = moment.astimezone(TIMEZONE)
    return f"{local.day} {_MONTHS_EN[local.month - 1][:3]} {local:%H:%M}"


def date_zh(moment: datetime) -> str:
    """2023年5月20日"""
    local = moment.astimezone(TIMEZONE)
    return f"{local.year}年{local.month}月{local.day}日"


def date_en(moment: datetime) -> str:
    """20 May 2023"""
    local = moment.astimezone(TIMEZONE)
    return f"{local.day} {_MONTHS_EN[local.month - 1]} {local.year}"


def _is_shown(moment: datetime) -> bool:
    # Near the ends of the calendar, the conversion to another zone overflows.
    return moment.year in YEARS
