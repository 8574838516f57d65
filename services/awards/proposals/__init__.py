"""
Proposals: awards that wait for a public notice (公示), for schemes that issue after one.

Start with `rules.py`: what a proposal and a notice are, and what a notice is waiting for.
`find.py` finds who is due and changes the proposals, `publish.py` publishes and confirms the notice, and
`tell.py` tells the recipients and issues the awards of a confirmed one. `advance.py` does the next step of
each notice in the background. `object.py` takes objections (room `objections`). `propose.py` takes the
recipients whom organisers name.
"""
