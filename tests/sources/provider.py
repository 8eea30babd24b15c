"""An identity provider on loopback, so that the real packages make their real round trip."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


class Provider:
    """Answers each path with what a test has put into `answers`; keeps what it was asked."""

    def __init__(self, url):
        self.url = url
        self.answers = {}
        self.asked = []

    def answer(self, path, body, status=200):
        """Answer `path` with `body`, which is JSON data, text, or a function of what is asked."""
        self.answers[path] = (status, body)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        sent = dict(parse_qsl(self.rfile.read(length).decode()))
        provider = self.server.provider
        path = urlsplit(self.path).path
        provider.asked.append((path, sent))
        status, body = provider.answers.get(path, (404, {}))
        body = body(sent) if callable(body) else body
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815 - the name that http.server calls

    def log_message(self, *args):
        pass


@contextmanager
def running_provider():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        host, port = server.server_address[:2]
        provider = server.provider = Provider(f"http://{host}:{port}")
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
