"""This room's refusals in Chinese, by their codes, and what is wrong with questions, in both languages."""

CHINESE: dict[str, str] = {
    "file_unreadable": "从第 {line} 行起无法按所选格式读取",
    "file_encoding": "文件编码不是 UTF-8 或 GB18030",
    "file_too_long": "文件最多 {most} 题",
    "file_too_wide": "文件最多 {most} 列",
    "file_unpacked": "文件解压后过大",
    "file_empty": "文件中没有题目",
    "file_column_missing": "首行缺少“{column}”一列",
    "file_column_doubled": "首行“{column}”与另一列重复",
}

# By code: English, Chinese.
PROBLEMS: dict[str, tuple[str, str]] = {
    "answer_without_question": ("an ANSWER without a question before it", "ANSWER 之前没有题目"),
    "option_without_question": ("an option without a question before it", "选项之前没有题目"),
    "options_missing": ("the question has no options", "题目没有选项"),
    "answers_missing": ("the question has no answers in braces", "题目没有花括号中的答案"),
    "key_missing": ("no option is marked as right", "没有标出正确选项"),
    "key_unreadable": ("the key has to be letters from A to H", "答案必须是 A 到 H 的字母"),
    "key_beyond_options": ("the key names an option that does not exist", "答案中有不存在的选项"),
    "key_of_one": ("a question of this kind has exactly one right option", "这种题型只能有一个正确选项"),
    "kind_unknown": ("the kind has to be single, multiple or true_false", "题型必须是单选、多选或判断"),
    "kind_unsupported": (
        "questions of this kind ({kind}) cannot be used here: only choices and true/false",
        "不支持这种题型（{kind}），只支持选择题和判断题",
    ),
    "partial_credit": (
        "a single choice has an option that gives a part of the points; here it would be wrong",
        "单选题中有选项只给部分分数，这里会算作错误",
    ),
    "share_unreadable": ("the share of an answer is no number", "答案的分数比例不是数字"),
    "media_unsupported": ("pictures and sounds cannot be shown here ({tag})", "不支持图片和声音（{tag}）"),
    "markup_unsupported": (
        "a table, a formula or raised letters would be lost ({tag})",
        "表格、公式或上下标会丢失（{tag}）",
    ),
    "text_tags_too_many": ("the text has more than {most} tags", "文字中的标签超过 {most} 个"),
    "text_too_long": ("the text has more than {most} characters", "文字超过 {most} 字"),
    "option_letters": ("the options' letters are not A, B, C and so on", "选项的字母必须依次为 A、B、C……"),
    "option_blank": ("an option is empty", "有空白选项"),
    "options_alike": ("two options have the same text", "有两个选项文字相同"),
    "options_too_few": ("a question has at least two options", "至少要有两个选项"),
    "options_too_many": ("a question has at most {most} options", "最多 {most} 个选项"),
    "true_false_options": ("a true/false question has two options", "判断题必须有两个选项"),
    "difficulty_unknown": ("the difficulty has to be easy, medium or hard", "难度必须是易、中或难"),
    "id_unusable": (
        "an id has small letters, digits and hyphens, at most 64",
        "编号只能用小写字母、数字和连字符，最多 64 个",
    ),
    "id_doubled": ("the question in line {other} has the same id", "与第 {other} 行的编号相同"),
    "text_doubled": ("the question in line {other} has the same text", "与第 {other} 行的题目文字相同"),
    "text_in_bank": (
        "question {question_id} of the bank has the same text",
        "题库中的题目 {question_id} 文字相同",
    ),
    "question_retired": ("question {question_id} is retired", "题目 {question_id} 已停用"),
    "topic_missing": ("there is no topic; name one for the whole file", "缺少知识领域，可为整个文件指定一个"),
    "versions_too_many": ("question {question_id} has too many versions", "题目 {question_id} 修改次数过多"),
}
