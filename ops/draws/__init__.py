"""
Computes draws again from what the service says in public.

`verify.py` stands alone: it uses the standard library and nothing of this project, so anybody may copy it. It
is a second writing of the rule; the service has its own (services/awards/draws/lottery.py). `rfc3797.py` is
the older rule of the IETF, from which the form of the seed is.
"""
