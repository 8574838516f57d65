"""
Certificates, plaques and flags as PDF/A documents, and the page that says whether one is genuine.

Start with `rules.py`: what a template is, and how its texts are filled. `defaults.py` has the templates that
are used if organisers put none. `typeset.py` makes pages with Typst and `layout.typ`; `fonts.py` knows which
characters the fonts have. `make.py` makes the document of one award, `print_pages.py` those of a scheme in
the background. `page.py` is the page behind the QR code.

Pure as `rules.py` is: `defaults.py`, `png.py`, `faces.py`.
"""
