"""Why a question looks wrong, in words for organisers. This room has no refusals of its own."""

from shared.web.wording import Language

CHINESE: dict[str, str] = {}

# By the code of a doubt: English, Chinese.
DOUBTS: dict[str, tuple[str, str]] = {
    "negative_discrimination": (
        "those who do well in the rest of the paper do badly here: the key is wrong, or the text misleads",
        "其他题目答得好的人，这道题反而答得差：标准答案可能有误，或题目有误导",
    ),
    "option_scores_higher": (
        "those who chose this wrong option do better in the rest of the paper than those who chose the key",
        "选这个错误选项的人，其他题目答得比选标准答案的人好：它可能才是对的，或者也对",
    ),
    "option_chosen_more": (
        "more people chose this wrong option than the key: the question is hard, or the key is wrong",
        "选这个错误选项的人比选标准答案的人多：题目很难，或标准答案有误",
    ),
}


def doubt_in_words(code: str, language: Language) -> str:
    """What a doubt says to a person."""
    english, chinese = DOUBTS[code]
    return chinese if language == "zh-CN" else english
