"""This room's refusals in Chinese, by their codes, and what is wrong with lines, in both languages."""

CHINESE: dict[str, str] = {
    "roster_unreadable": "文件无法读取，请上传 CSV 或 XLSX 文件",
    "roster_encoding": "文件编码不是 UTF-8 或 GB18030",
    "roster_too_long": "文件最多 {most} 行",
    "roster_too_wide": "文件最多 {most} 列",
    "roster_unpacked": "工作簿解压后过大，请只保存名册所在的工作表",
    "roster_empty": "文件中没有名册内容",
    "roster_column_missing": "首行缺少“{column}”一列",
    "roster_column_doubled": "首行“{column}”与另一列重复",
    "roster_full": "一个单位的名册最多 {most} 人",
    "previews_too_many": "已有 {most} 份名册等待确认或正在导入，预览一天后自动失效",
    "roster_busy": "您的另一份名册正在读取，请稍后再上传",
    "import_unknown": "没有这次导入，或预览已失效",
    "import_has_bad_lines": "有 {count} 行有误，请修改后重新上传，或选择跳过有误的行",
    "import_empty": "文件中没有可以导入的行",
    "member_unknown": "名册中没有编号为 {member_id} 的成员",
    "member_email_known": "这个邮箱已属于名册中的另一成员或其他参与者，请删去或更正",
    "member_left": "该成员已自行退出本单位；如本人愿意重新加入，请向其发放认领码，由本人认领",
    "member_known": "名册中已有姓名、班级（部门）和编号相同的成员",
}

# By code: English, Chinese.
LINES: dict[str, tuple[str, str]] = {
    "line_doubled": (
        "the same name, department and number stand in line {others} too; a number tells members apart",
        "与第 {others} 行的姓名、班级（部门）和编号相同；可用编号区分同名成员",
    ),
    "email_doubled": (
        "line {others} has the same address; one address is one participant, so leave it out of one of them",
        "与第 {others} 行的邮箱相同；一个邮箱只对应一位参与者，请只保留一处",
    ),
    "email_of_another": (
        "another member, or somebody who takes part already, has this address; leave it out or correct it",
        "这个邮箱已属于名册中的另一成员或其他参与者，请删去或更正",
    ),
    "member_left": (
        "this person has left the group; give a claim code to whoever wants to come back",
        "该成员已自行退出本单位；如本人愿意重新加入，请向其发放认领码，由本人认领",
    ),
    "no_room": (
        "the roster has {most} members meanwhile, and takes no more",
        "名册已满 {most} 人，无法再加入",
    ),
    "audience_unknown": (
        "has to be one of youth, farmers, workers, elderly, officials, other",
        "必须是以下之一：青少年、农民、产业工人、老年人、领导干部和公务员、其他",
    ),
    "is_minor_unknown": ("has to be yes or no", "必须是“是”或“否”"),
}
