"""
Claims: somebody on a roster shows by a code on paper that they are this member, and is it from then on.

Who has the e-mail address that the roster names needs no code, and signs in with it (`sign_ins`). The code is
for those whose address the group does not know, and for those who have none (docs/decisions/0040-claims.md).
Read `rules.py`, `codes.py`, `issue.py` and `claim.py`.
"""
