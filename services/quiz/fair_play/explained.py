"""What a flag says to a person, in words."""

from services.quiz.fair_play.rules import AlikeFigures, CrowdFigures, Flag, Shares, TimeFigures
from shared.web.wording import Language

# By what the attempts share besides their answers: English, Chinese.
SHARED: dict[Shares, tuple[str, str]] = {
    "nothing": ("", ""),
    "address": (
        " Both were started at the same address, soon one after the other.",
        "两次答题先后从同一网络地址开始。",
    ),
    "device": (" Both were started on the same device.", "两次答题从同一设备开始。"),
}
CLASS = (
    " Both are of one group; what that group often gets wrong together is taken into account.",
    "两人属于同一单位；该单位普遍答错的情况已经考虑在内。",
)
# What everybody should read before judging.
JUDGE = (
    " This proves nothing: look at it, and ask the people.",
    "这不能证明任何事：请核实情况，并听取本人说明。",
)


def explained(flag: Flag, language: Language) -> str:
    """What a flag says to a person."""
    figures, place = flag.figures, int(language == "zh-CN")
    if isinstance(figures, AlikeFigures):
        said = _alike(figures, place)
    elif isinstance(figures, CrowdFigures):
        said = _crowd(flag, figures, place)
    else:
        said = _time(flag, figures, place)
    return said + JUDGE[place]


def _alike(of: AlikeFigures, place: int) -> str:
    english = (
        f"Of {of.questions} questions that both have, {of.identical} have the same wrong answer. By chance it"
        f" would be about {of.expected:g}. So many, or more, come by chance in one of"
        f" {_times(of.chance)} pairs; {of.pairs:,} pairs were compared."
    )
    chinese = (
        f"两人共有的 {of.questions} 题中，有 {of.identical} 题的错误答案完全相同；"
        f"按偶然情况约为 {of.expected:g} 题。"
        f"这样多（或更多）的相同，偶然出现的机会约为 {_times(of.chance)} 对中一对；共比较了 {of.pairs:,} 对。"
    )
    said = (english, chinese)[place] + SHARED[of.shares][place]
    return said + CLASS[place] if of.is_class else said


def _times(chance: float) -> str:
    return f"{1 / max(chance, 1e-15):,.0f}"


def _crowd(flag: Flag, of: CrowdFigures, place: int) -> str:
    minutes = max(1, round((of.last_at - of.first_at).total_seconds() / 60))
    if flag.kind == "same_device":
        return (
            f"{of.people} people have started attempts on one device.",
            f"有 {of.people} 人从同一设备开始答题。",
        )[place]
    english = (
        f"{of.people} people have started attempts from one address within {minutes} minutes."
        f" {of.unexplained} of them are not there with their school or organisation. A library, a company or"
        " a mobile network may be behind one address."
    )
    chinese = (
        f"{minutes} 分钟内有 {of.people} 人从同一网络地址开始答题，其中 {of.unexplained} 人"
        "并非与本校或本单位的人在一起。图书馆、企业或移动网络可能共用一个地址。"
    )
    return (english, chinese)[place]


def _time(flag: Flag, of: TimeFigures, place: int) -> str:
    if flag.kind == "too_fast":
        return (
            f"The attempt took {of.seconds} s. By the quiz, less than {of.seconds_min} s is not plausible.",
            f"答题用时 {of.seconds} 秒；竞赛规定少于 {of.seconds_min} 秒不合常理。",
        )[place]
    return (
        f"All answers are right after {of.seconds} s; to read the questions alone takes {of.seconds_min} s.",
        f"用时 {of.seconds} 秒全部答对；仅阅读题目就需要 {of.seconds_min} 秒。",
    )[place]
