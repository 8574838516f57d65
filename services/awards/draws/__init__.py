"""
Draws that anybody can compute again: a list that is fixed before, a seed that nobody could know, a public
rule.

Start with `lottery.py`, the rule (docs/draws.md explains it to everybody), and `rules.py`: what a draw is,
and who holds a prize by it. `freeze.py` makes the list in the background, `hold.py` announces and draws, and
`settle.py` gives and takes back the awards. `page.py` shows a draw in a browser, which computes it again.
"""
