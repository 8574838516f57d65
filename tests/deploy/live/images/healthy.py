"""Stands in for a server that is not installed here: says on its port that it is healthy; does nothing."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


ThreadingHTTPServer(("", int(sys.argv[1])), Healthy).serve_forever()
