"""An S3 bucket and its public address in one small server: PUT, DELETE and GET by path, nothing else; any signature is right."""

import http.server
import threading

MAX_OBJECT = 64 * 1024 * 1024


class Bucket:
    """Serves until stopped; `url` is both the endpoint and where viewers read."""

    name = "lab"

    def __init__(self):
        objects = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self):
                length = int(self.headers["content-length"])
                if length > MAX_OBJECT:
                    return self.say(413)
                kind = self.headers.get("content-type", "application/octet-stream")
                objects[self.path.split("?")[0]] = (kind, self.rfile.read(length))
                self.say(200)

            def do_DELETE(self):
                objects.pop(self.path.split("?")[0], None)
                self.say(204)

            def do_GET(self):
                kind, body = objects.get(self.path.split("?")[0], (None, b""))
                self.say(200 if kind else 404, kind or "text/plain", body)

            do_HEAD = do_GET

            def say(self, status, kind="text/plain", body=b""):
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.send_header("access-control-allow-origin", "*")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                """A player that hangs up in the middle is none."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, name="bucket", daemon=True).start()

    def arguments(self):
        return ["--s3-endpoint", self.url, "--s3-bucket", self.name, "--s3-public-url", f"{self.url}/{self.name}", "--s3-region", "lab"]

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
