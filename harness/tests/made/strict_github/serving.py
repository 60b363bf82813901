"""The strict server behind a real socket, for clients that are other processes."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


@contextmanager
def serving(server):
    """Serve on a free port of loopback; give the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            url = f"http://{self.headers['host']}{self.path}"
            request = httpx.Request(self.command, url, headers=dict(self.headers), content=body)
            with lock:
                try:
                    answer = server.handle(request)
                except httpx.TransportError:  # a fault: the line is cut
                    self.close_connection = True
                    return
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name not in {"content-length", "content-encoding"}:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - names of http.server

        def log_message(self, *_):
            pass

    lock = threading.Lock()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}"
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()
