"""
Objections (异议): what people have against somebody in a public notice, and what organisers decide about it.

Start with `rules.py`. `object.py` takes objections and decides them. The rooms of notices (`proposals`,
`choosing`) say when one may object, against whom, and what an upheld objection does.
"""
