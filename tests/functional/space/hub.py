"""A hub on loopback with the routes that an upload uses."""

import base64
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Hub:
    """Spaces with their files, and the requests."""

    def __init__(self, token):
        self.token = token
        self.files = {".gitattributes": b"*.onnx filter=lfs", "old.py": b"left from before"}
        self.created = []
        self.requests = []
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method, path, body):
        if (method, path) == ("POST", "/api/repos/create"):
            self.created.append(json.loads(body))
            return {"url": f"{self.address}/spaces/somebody/reviewlens"}
        action = re.fullmatch(r"/api/spaces/somebody/reviewlens/([a-z]+)/main", path)
        if action is None:
            return {}
        return getattr(self, action[1])(body)

    def tree(self, _body):
        return [
            {"type": "file", "path": name, "size": len(content), "oid": "0" * 40}
            for name, content in self.files.items()
        ]

    def preupload(self, body):
        names = [file["path"] for file in json.loads(body)["files"]]
        mode = {"uploadMode": "regular", "shouldIgnore": False}
        return {"files": [{"path": name, **mode} for name in names]}

    def commit(self, body):
        for line in body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                self.files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "deletedFile":
                del self.files[value["path"]]
        oid = "1" * 40
        return {
            "commitUrl": f"{self.address}/spaces/somebody/reviewlens/commit/{oid}",
            "commitOid": oid,
            "success": True,
        }


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self._reply("GET")

    def do_POST(self):
        self._reply("POST")

    def _reply(self, method):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        self.hub.requests.append((method, self.path))
        allowed = self.headers.get("Authorization") == f"Bearer {self.hub.token}"
        answer = self.hub.answer(method, path, body) if allowed else {"error": "not yours"}
        content = json.dumps(answer).encode()
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass
