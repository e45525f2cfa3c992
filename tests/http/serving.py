"""Starts cairn serve and talks to it, for tests."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import machine


class Server:
    def __init__(self, data):
        self.process = subprocess.Popen([machine.CAIRN, "serve", "--listen", "127.0.0.1:0", "--data", str(data)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ))
        line = self.process.stdout.readline().decode()
        found = re.match(r"http://127\.0\.0\.1:(\d+)/\?token=([0-9a-f]{32})$", line.strip())
        if not found:
            self.process.kill()
            raise AssertionError(f"cairn serve printed {line!r}: {self.process.stderr.read().decode()}")
        self.url, self.port, self.token = line.strip(), int(found[1]), found[2]

    def raw(self, method, path, body=None, headers=None, token=True):
        """(status, headers, bytes)."""
        all_headers = {"Authorization": f"Bearer {self.token}"} if token else {}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            all_headers["Content-Type"] = "application/json"
        all_headers.update(headers or {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, all_headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def call(self, method, path, body=None, query=None, expect=200):
        path = "/api/v1" + path + ("?" + urllib.parse.urlencode(query) if query else "")
        status, headers, content = self.raw(method, path, body)
        if status != expect:
            raise AssertionError(f"{method} {path}: {status} {content[:500]!r}")
        kind = headers["Content-Type"]
        if expect >= 400 and kind != "application/problem+json":
            raise AssertionError(f"{method} {path}: a problem as {kind}")
        return json.loads(content) if "json" in kind and "ndjson" not in kind else content

    def get(self, path, **kw):
        return self.call("GET", path, **kw)

    def post(self, path, body, **kw):
        return self.call("POST", path, body, **kw)

    def stop(self):
        """Ends it as Ctrl-C does; the seconds it took are checked by who calls."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        status = self.process.wait(timeout=10)
        errors = self.process.stderr.read().decode()
        self.process.stdout.close()
        self.process.stderr.close()
        return status, errors


class Listener(threading.Thread):
    """Reads the event stream; `seen` are (id, event, data)."""

    def __init__(self, server, last_id=None):
        super().__init__(daemon=True)
        self.seen, self.ended, self.server = [], threading.Event(), server
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        headers = {"Authorization": f"Bearer {server.token}"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        self.connection.request("GET", "/api/v1/events/stream", headers=headers)
        self.answer = self.connection.getresponse()
        self.news = threading.Condition()
        self.start()

    def run(self):
        fields = {}
        try:
            for line in self.answer:
                text = line.decode().rstrip("\n")
                if text and not text.startswith(":"):
                    key, _, value = text.partition(": ")
                    fields[key] = value
                elif "event" in fields:
                    with self.news:
                        self.seen.append((fields.get("id"), fields["event"], json.loads(fields["data"])))
                        self.news.notify_all()
                    fields = {}
        except (OSError, http.client.HTTPException, ValueError):
            pass
        self.ended.set()

    def close(self):
        try:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        except (OSError, AttributeError):
            pass
        self.ended.wait(10)
        self.answer.close()
        self.connection.close()

    def wait_for(self, test, timeout=15):
        with self.news:
            if not self.news.wait_for(lambda: any(test(*s) for s in self.seen), timeout):
                raise AssertionError(f"the stream did not tell it: {self.seen}")
            return next(s for s in self.seen if test(*s))
