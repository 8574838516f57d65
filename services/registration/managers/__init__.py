"""
Managers: people who act for a group (a school, unit or service team), and groups that apply to take part.

A manager is a participant with a grant for one group. The grant is a document, looked up at each request, so
it ends at once (docs/decisions/0034-managers.md). Read `rules.py`, `manage.py`, then `apply.py`.
"""
