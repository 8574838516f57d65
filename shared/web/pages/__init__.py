"""
Pages: HTML for people whose client is a browser, from the routes that answer programs with JSON.

A route that asks for `AsReader` shows pages. `Reader.answer` chooses between JSON and page by the header
Accept. Refusals of such a route are pages too, and its answers vary by Accept and Accept-Language. A body
that is a `PageForm` may also be sent by a form of the page. Read `reader.py`, `templates.py`, `posted.py`.
"""
