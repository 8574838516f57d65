"""What the refusals of this room say in Chinese, by code."""

CHINESE: dict[str, str] = {
    "bank_full": "题库最多 {most} 题",
    "bank_previews_too_many": "您已有 {most} 份文件等待确认，请先确认或删除其中一份",
    "export_empty": "没有符合条件的题目",
    "export_too_long": "一个文件最多 {most} 题，请按知识领域或难度筛选",
    "format_cannot_hold": "{format} 格式无法完整保存 {count} 题，如 {question_ids}",
    "import_changes_nothing": "文件中没有新增或修改的题目",
    "import_done": "这份文件已经导入",
    "import_has_problems": "有 {count} 题有误，请修改后重新上传，或选择跳过有误的题目",
    "import_outdated": "预览之后题库有变动，请重新上传文件",
    "import_unknown": "没有这次导入，或预览已失效",
    "question_not_reviewed": "题目 {question_id} 尚未审核",
    "question_retired": "题目 {question_id} 已停用，请先恢复",
    "question_text_known": "题目 {question_id} 文字相同",
    "bank_question_unknown": "题库中没有题目 {question_id}",
    "question_version_differs": "题目 {question_id} 现在是第 {version} 版",
    "question_versions_too_many": "题目 {question_id} 修改次数过多",
    "review_by_author": "题目 {question_id} 是您编写的，须由另一人审核",
}
