"""
Rosters: the members of a group, entered one by one or from a file.

A file is previewed first: every bad line is named, and nothing is stored but the preview, encrypted. After
the confirmation a worker imports all good lines, a slice in each transaction (docs/decisions/0035-rosters.md,
0042-items-of-background-work.md). Read `rules.py`, `read_table.py` (bytes become cells), `check_lines.py`
(cells become members), `enrol.py` (members become participants), `preview.py`, and `import_lines.py`.
"""
