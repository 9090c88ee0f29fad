"""An S3 server in memory for the lab: checks SigV4 signatures and body hashes as S3 does, and knows who wrote what."""

import hashlib
import hmac
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ID, SECRET = "lab-id", "lab-secret"
_AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w+)")


class S3:
    """Runs in threads of its own until stopped; `objects` by name, `writes` the agents that put chunks."""

    def __init__(self):
        self.objects = {}
        self.writes = []
        self.refused = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def _answer(self, status, length=None):
                self.send_response(status)
                self.send_header("content-length", str(length if length is not None else 0))
                self.end_headers()

            def do_PUT(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                fault = outer._fault(self, body)
                if fault:
                    outer.refused.append((self.path, fault))
                    self._answer(403)
                    return
                outer.objects[self.path] = body
                if self.path.endswith((".ts", ".mp4")):
                    outer.writes.append("origin" if "aws-sdk" in self.headers.get("user-agent", "") else "relay")
                self._answer(200)

            def do_HEAD(self):
                stored = outer.objects.get(self.path)
                self._answer(404 if stored is None else 200, len(stored or b""))

            def do_DELETE(self):
                outer.objects.pop(self.path, None)
                self._answer(204)

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                """A writer that is killed hangs up in the middle."""

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, name="s3", daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    @staticmethod
    def _fault(request, body):
        said = request.headers.get("x-amz-content-sha256", "")
        if said != hashlib.sha256(body).hexdigest():
            return f"hash {said[:20]}"
        match = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
        if not match or match.group(1) != ID:
            return "authorization"
        _, day, region, names, signature = match.groups()
        expected = signature_of(request.command, request.path, request.headers, names, day, region)
        return "" if hmac.compare_digest(expected, signature) else "signature"


def signature_of(method, path, headers, names, day, region):
    """SigV4's signature of a request whose query is empty; `names` of the signed headers, joined by semicolons."""
    lines = [method, path, ""]
    lines += [f"{name}:{headers.get(name, '').strip()}" for name in names.split(";")] + ["", names, headers["x-amz-content-sha256"]]
    scope = f"{day}/{region}/s3/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashlib.sha256("\n".join(lines).encode()).hexdigest()])
    key = ("AWS4" + SECRET).encode()
    for part in (day, region, "s3", "aws4_request", to_sign):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


def signed(method, host, path, body=b"", region="us-east-1"):
    """The headers of a signed request."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {"host": host, "x-amz-content-sha256": hashlib.sha256(body).hexdigest(), "x-amz-date": now}
    names = ";".join(sorted(headers))
    signature = signature_of(method, path, headers, names, now[:8], region)
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={ID}/{now[:8]}/{region}/s3/aws4_request, SignedHeaders={names}, Signature={signature}"
    return headers
