"""
What a problem of a service means for people, and what to do, in words for organisers.

Each names the runbook that the operator follows: docs/runbooks/NAME.md. This room has no refusals of its own.
"""

from typing import NamedTuple

from services.overview.watching.rules import Problem
from shared.web.wording import Language

CHINESE: dict[str, str] = {}


class Advice(NamedTuple):
    """`runbook`: what the operator follows. The same is said in English and Chinese."""

    runbook: str
    english: str
    chinese: str


ADVICE: dict[Problem, Advice] = {
    "unreachable": Advice(
        "KepuServiceGone",
        "It gives no answer, so its part of the week stands still. Call the operator now. What people have "
        "sent is not lost.",
        "该服务没有回应，它负责的部分暂时停止。请立即联系系统管理员。大家已经提交的内容不会丢失。",
    ),
    "mongo": Advice(
        "KepuMongoAway",
        "Its database does not answer: people cannot register, begin or look anything up. Call the operator "
        "now. It goes on by itself when the database is back.",
        "它的数据库没有回应：暂时不能报名、开始答题和查询。请立即联系系统管理员。数据库恢复后会自动继续。",
    ),
    "kafka": Advice(
        "KepuKafkaAway",
        "The message system (Kafka) does not answer: answers cannot be handed in now, and results and "
        "messages wait. Call the operator now. Pages try again by themselves.",
        "消息系统（Kafka）没有回应：暂时不能交卷，成绩和通知会推迟。请立即联系系统管理员。页面会自动重试。",
    ),
    "consumer": Advice(
        "KepuConsumerStopped",
        "It does not read events now, so what follows from them is late, such as results, awards or "
        "messages. Nothing is lost. If this stays for two minutes, call the operator.",
        "它暂时没有读取事件，成绩、奖励或通知会推迟，但不会丢失。如果两分钟后仍未恢复，请联系系统管理员。",
    ),
    "relay": Advice(
        "KepuRelayGone",
        "What it has decided is not told to the other services yet. Nothing is lost. If this stays for two "
        "minutes, call the operator.",
        "它的决定还没有通知其他服务，但不会丢失。如果两分钟后仍未恢复，请联系系统管理员。",
    ),
    "organiser_keys": Advice(
        "KepuOrganiserKeysBroken",
        "The list of organisers' keys cannot be read. The keys of before go on working; new ones do not. "
        "Tell the operator today.",
        "主办方密钥名单无法读取。原有密钥仍可使用，新密钥不能使用。请在今天之内告诉系统管理员。",
    ),
    "starting": Advice(
        "KepuServiceGone",
        "It is starting. Wait a minute; if it still starts then, call the operator.",
        "该服务正在启动。请等一分钟；如果仍在启动，请联系系统管理员。",
    ),
    "background": Advice(
        "KepuBackgroundFailing",
        "Some of its work in the background fails and is tried again. If this stays for ten minutes, call "
        "the operator.",
        "它的一项后台工作出错，正在自动重试。如果十分钟后仍未恢复，请联系系统管理员。",
    ),
}


def advice_in(problem: Problem, language: Language) -> str:
    """What a problem means and what to do, for a person."""
    advice = ADVICE[problem]
    return advice.chinese if language == "zh-CN" else advice.english
