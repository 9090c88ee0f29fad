"""A real MinIO, and a tap before it that knows who wrote what and keeps the requests by which it was written."""

import hashlib
import http.client
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import s3
from program import ROOT
from replica import free_port, serve
from wire import die_with_parent

MODULE = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"
BUCKET = "lab"
START_SECONDS = 60
_NOT_FORWARDED = {"connection", "keep-alive", "transfer-encoding", "content-length"}


def minio():
    """The program, or (None, why not): $MINIO, the PATH, or built by Go."""
    target = ROOT / "target" / "lab" / "minio"
    for known in (os.environ.get("MINIO"), shutil.which("minio"), str(target / "minio")):
        if known and Path(known).is_file():
            return known, ""
    if shutil.which("go") is None:
        return None, "no $MINIO, none on the PATH, and no Go toolchain to build one"
    target.mkdir(parents=True, exist_ok=True)
    built = subprocess.run(["go", "install", MODULE], env={**os.environ, "GOBIN": str(target)}, capture_output=True, text=True)
    if built.returncode != 0:
        return None, f"go install {MODULE}: {' '.join(built.stderr.split())[-400:]}"
    return str(target / "minio"), ""


class Minio:
    """Runs until stopped; `objects`, `writes` and `refused` as an s3.S3's, and `requests`: each successful put of a chunk, (path, headers, body)."""

    def __init__(self, program, folder):
        self.objects = {}
        self.writes = []
        self.refused = []
        self.requests = []
        self._port = free_port()
        with open(folder / "minio.log", "ab") as log:
            self._process = self._started(program, folder, log)
        self._await()
        status, said = self.ask("PUT", f"/{BUCKET}")
        if status != 200:
            raise OSError(f"MinIO makes no bucket: {status} {said[:200]}")
        self._tap = serve(self._handler(), "tap")

    def _started(self, program, folder, log):
        return subprocess.Popen(
            [program, "server", "--quiet", "--address", f"127.0.0.1:{self._port}", "--console-address", f"127.0.0.1:{free_port()}", str(folder / "minio")],
            env={**os.environ, "MINIO_ROOT_USER": s3.ID, "MINIO_ROOT_PASSWORD": s3.SECRET, "MINIO_BROWSER": "off"},
            stdout=log, stderr=log, preexec_fn=die_with_parent,
        )

    def _handler(outer):

        class Tap(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def _pass(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                status, headers, answer = outer._forward(self.command, self.path, dict(self.headers.items()), body)
                outer._note(self.command, self.path, self.headers, body, status)
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in _NOT_FORWARDED:
                        self.send_header(name, value)
                length = next((value for name, value in headers if name.lower() == "content-length"), "0")
                self.send_header("content-length", length if self.command == "HEAD" else str(len(answer)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer)

            do_PUT = do_HEAD = do_DELETE = do_GET = do_POST = _pass

        return Tap

    @property
    def url(self):
        return f"http://127.0.0.1:{self._tap.server_address[1]}"

    def stop(self):
        self._tap.shutdown()
        self._tap.server_close()
        self._process.kill()
        self._process.wait()

    def ask(self, method, path, body=b""):
        """(status, body) of a request that is signed here, at MinIO itself."""
        status, _, answer = self._forward(method, path, s3.signed(method, f"127.0.0.1:{self._port}", path, body), body)
        return status, answer

    def again(self, path, headers, body):
        """The status that a put has which was made before, with what may have been changed in it."""
        return self._forward("PUT", path, headers, body)[0]

    def holds(self, path, body):
        """Whether MinIO gives out these bytes."""
        status, stored = self.ask("GET", path)
        return status == 200 and hashlib.sha256(stored).digest() == hashlib.sha256(body).digest()

    def _forward(self, method, path, headers, body):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if name.lower() not in _NOT_FORWARDED:
                    connection.putheader(name, value)
            connection.putheader("content-length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _note(self, method, path, headers, body, status):
        if method == "PUT" and status == 200:
            self.objects[path] = body
            if path.endswith((".ts", ".mp4")):
                self.writes.append("origin" if "aws-sdk" in headers.get("user-agent", "") else "relay")
                self.requests.append((path, dict(headers.items()), body))
        elif method == "DELETE" and status == 204:
            self.objects.pop(path, None)
        elif status >= 400 and not (method == "HEAD" and status == 404):
            self.refused.append((path, status))

    def _await(self):
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self._port}/minio/health/live", timeout=2).close()
                return
            except (urllib.error.URLError, OSError):
                if time.monotonic() > end or self._process.poll() is not None:
                    raise OSError(f"MinIO does not start (exit {self._process.poll()})") from None
                time.sleep(0.2)
