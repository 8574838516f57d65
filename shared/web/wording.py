"""
The texts of refusals, in English and Chinese.

A refusal has a stable code for programs. Its words follow the client's `Accept-Language`. The English words
are where the error is raised. The Chinese words are in tables by code: here those of fields and of refusals
that all services have, and a service adds its own by `learn`. If a code has no Chinese words, the English
ones are sent.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Literal

Language = Literal["en", "zh-CN"]

ACCEPT_LANGUAGE_CHARS_MAX = 200
_RANGE = re.compile(r"\s*([A-Za-z*]+)(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?")

TITLES: dict[int, str] = {
    400: "请求有误",
    401: "需要身份验证",
    403: "没有权限",
    404: "找不到",
    405: "不支持这种方法",
    408: "请求超时",
    409: "与现状冲突",
    412: "内容已有变化",
    413: "内容过大",
    415: "不支持这种内容类型",
    417: "不支持所期望的行为",
    422: "内容无法处理",
    429: "尝试次数过多",
    431: "请求头过大",
    500: "服务器内部错误",
    501: "不支持这种功能",
    503: "服务暂不可用",
    505: "不支持这个 HTTP 版本",
}

_TEXT = ("has to be text", "必须是文本")
_WHOLE = ("has to be a whole number", "必须是整数")
_NUMBER = ("has to be a number", "必须是数字")
_BOOL = ("has to be true or false", "必须是 true 或 false")
_LIST = ("has to be a list", "必须是列表")
_OBJECT = ("has to be an object", "必须是对象")
_TIME = (
    "has to be a time with its offset, like 2026-05-20T09:00:00+08:00",
    "必须是带时区的时间，例如 2026-05-20T09:00:00+08:00",
)
_ONE_OF = ("has to be one of {expected}", "必须是以下之一：{expected}")

# By pydantic's types of errors and our own (shared/contracts/checked.py): English, Chinese.
FIELDS: dict[str, tuple[str, str]] = {
    "missing": ("is required", "必须填写"),
    "extra_forbidden": ("is no field that is known here", "这里没有这个字段"),
    "json_invalid": ("is not JSON", "不是 JSON"),
    "key_doubled": ("has the key {key} twice", "键 {key} 出现了两次"),
    "string_type": _TEXT,
    "string_unicode": ("is not UTF-8", "不是 UTF-8 文本"),
    "string_too_short": ("has to have at least {min_length} characters", "至少要有 {min_length} 个字符"),
    "string_too_long": ("may have {max_length} characters at the most", "最多 {max_length} 个字符"),
    "string_pattern_mismatch": ("has to match {pattern}", "必须符合 {pattern}"),
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "bool_type": _BOOL,
    "bool_parsing": _BOOL,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "dict_attributes_type": _OBJECT,
    "none_required": ("has to be null", "必须是 null"),
    "greater_than": ("has to be more than {gt}", "必须大于 {gt}"),
    "greater_than_equal": ("has to be at least {ge}", "不能小于 {ge}"),
    "less_than": ("has to be less than {lt}", "必须小于 {lt}"),
    "less_than_equal": ("may be {le} at the most", "不能大于 {le}"),
    "too_short": ("has to have at least {min_length} items", "至少要有 {min_length} 项"),
    "too_long": ("may have {max_length} items at the most", "最多 {max_length} 项"),
    "literal_error": _ONE_OF,
    "enum": _ONE_OF,
    "union_tag_not_found": ("has to say its {discriminator}", "缺少 {discriminator}"),
    "union_tag_invalid": (
        "its {discriminator} has to be one of {expected_tags}",
        "{discriminator} 必须是以下之一：{expected_tags}",
    ),
    "datetime_type": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
    "datetime_object_invalid": _TIME,
    "timezone_aware": _TIME,
    "timezone_offset": _TIME,
    "moment_form": _TIME,
    "moment_range": ("has to lie in the years {first} to {last}", "必须在 {first} 年至 {last} 年之间"),
    "line_control": ("may hold no line breaks or control characters", "不能含有换行或控制字符"),
    "line_direction": ("may hold no marks for the direction of writing", "不能含有改变书写方向的字符"),
    "line_blank": ("has to show something: nothing of it is visible", "不能只有看不见的字符"),
    "text_control": (
        "may hold no control characters but line feeds and tabs",
        "除换行和制表符外不能含有控制字符",
    ),
    "character_unknown": (
        "may hold no characters that mean something else in each system",
        "不能含有各系统理解不一的字符（如私用区字符）",
    ),
    "marks_too_many": (
        "may have {most} marks on a character at the most",
        "每个字符上最多 {most} 个附加符号",
    ),
    "name_link": (
        "may hold no web address; put a space after a full stop that ends a word",
        "不能含有网址；若句点用于缩写，请在其后加空格",
    ),
    "zone_unknown": (
        "has to be a time zone of the tz database, like Asia/Shanghai",
        "必须是 tz 数据库中的时区，例如 Asia/Shanghai",
    ),
    "email": ("is not an e-mail address", "不是有效的电子邮箱地址"),
}
_WRONG = ("is not valid", "无效")

# Refusals that every service may send, by code.
_CHINESE: dict[str, str] = {
    "bad_request": "这不是有效的 HTTP 请求",
    "header_doubled": "请求头 {header} 只能出现一次",
    "host_missing": "缺少请求头 Host",
    "host_invalid": "请求头 Host 不是有效的主机名",
    "content_encoding": "内容不能压缩或以其他方式编码",
    "transfer_encoding": "传输时只能分块或原样发送内容",
    "expectation_unknown": "这里只支持 Expect: 100-continue",
    "version_unsupported": "这里使用 HTTP/1.1",
    "head_too_large": "请求头过大或过多",
    "too_large": "内容最多 {bytes} 字节",
    "too_many_values": "内容最多 {values} 个值",
    "request_timeout": "请求没有及时发送完整",
    "method_not_allowed": "这个地址不支持该方法，支持的方法：{allowed}",
    "media_type": "内容必须是 application/json",
    "parameter_unknown": "这里没有参数 {parameter}",
    "parameter_doubled": "参数 {parameter} 只能出现一次",
    "not_found": "这个地址不存在",
    "id_differs": "地址中的编号与内容中的编号不一致",
    "version_differs": "内容在您读取之后已有变化，请重新读取",
    "internal": "服务器出现意外错误，日志中有相应的关联编号",
    "starting": "服务正在启动，暂时无法回答，请过几秒再试",
    "overloaded": "现在请求太多，请过几秒再试",
    "token_missing": "请在请求头 Authorization: Bearer … 中提供您的令牌",
    "token_invalid": "令牌无效",
    "token_expired": "令牌已过期，请重新报名以获取新令牌",
    "organiser_key_missing": "请在请求头 X-Organiser-Key 中提供主办方密钥",
    "organiser_key_wrong": "主办方密钥不正确",
    "organiser_keys_tried": "您所在的网络地址多次使用了错误的密钥，请在 {seconds} 秒后再试",
    "organiser_role": "您的密钥角色是 {role}，此操作需要以下角色之一：{roles}",
    "after_invalid": "参数 after 不是任何一页给出的值",
}


def learn(chinese: Mapping[str, str]) -> None:
    """Add a service's Chinese words by code; `{name}` stands for one of the error's `values`."""
    _CHINESE.update(chinese)


def codes() -> frozenset[str]:
    """All codes that have Chinese words: those that this process may refuse with."""
    return frozenset(_CHINESE)


def words(code: str, english: str, values: Mapping[str, Any], language: Language) -> str:
    """What an error says in this language; in English where its code has no Chinese words."""
    template = _CHINESE.get(code) if language == "zh-CN" else None
    return english if template is None else filled(template, values) or english


def field_words(code: str, values: Mapping[str, Any], language: Language) -> str | None:
    """What is wrong with a field, by the type of its error; None if this table does not know the type."""
    known = FIELDS.get(code)
    return filled(known[language == "zh-CN"], values) if known else None


def field_wrong(language: Language) -> str:
    """The words for a field whose error has no words in this table."""
    return _WRONG[language == "zh-CN"]


def title(status: int, language: Language) -> str:
    """The title of all problems of this status."""
    if language == "zh-CN" and status in TITLES:
        return TITLES[status]
    return HTTPStatus(status).phrase


def more_words(count: int, language: Language) -> str:
    """How many more fields are wrong."""
    if not count:
        return ""
    return f"（另有 {count} 处错误）" if language == "zh-CN" else f" ({count} more)"


def language_of(accept_language: bytes) -> Language:
    """The language that a client prefers of ours; English if it names none."""
    return _language(accept_language[:ACCEPT_LANGUAGE_CHARS_MAX]) if accept_language else "en"


@lru_cache(maxsize=256)
def _language(accept_language: bytes) -> Language:
    weights: dict[str, float] = {}
    for part in accept_language.decode("latin-1").split(","):
        if found := _RANGE.fullmatch(part):
            weights.setdefault(found[1].lower(), float(found[2] or 1))
    other = weights.get("*", 0.0)
    return "zh-CN" if weights.get("zh", other) > weights.get("en", other) else "en"


def filled(template: str, values: Mapping[str, Any]) -> str | None:
    """The words with these values in them; None if one is missing."""
    try:
        return template.format_map(values)
    except KeyError:
        return None
