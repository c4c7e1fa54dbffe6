"""A cluster that answers a chart's look-ups, and nothing else: the Kubernetes API for reading Secrets, over HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import helm_python

from tests.chart.charts import NAMESPACE

_SECRETS = {"name": "secrets", "singularName": "secret", "namespaced": True, "kind": "Secret", "verbs": ["get", "list"]}
_FIXED: dict[str, Any] = {
    "/version": {"major": "1", "minor": "36", "gitVersion": "v1.36.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [_SECRETS]},
}


@contextmanager
def a_cluster(secrets: Mapping[str, Mapping[str, str]]) -> Iterator[helm_python.Config]:
    """A cluster whose namespace has ``secrets``: name → key → text."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            name = path.removeprefix(f"/api/v1/namespaces/{NAMESPACE}/secrets/")
            if path in _FIXED:
                self._say(200, _FIXED[path])
            elif name in secrets:
                data = {key: base64.b64encode(text.encode()).decode() for key, text in secrets[name].items()}
                about = {"name": name, "namespace": NAMESPACE}
                self._say(200, {"apiVersion": "v1", "kind": "Secret", "metadata": about, "data": data})
            else:
                self._say(
                    404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
                )

        def _say(self, status: int, body: dict[str, Any]) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    kubeconfig = json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "a", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "users": [{"name": "a", "user": {}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
            "current-context": "a",
        }
    )
    try:
        with helm_python.Config(kubeconfig_content=kubeconfig, namespace=NAMESPACE) as config:
            yield config
    finally:
        server.shutdown()
        server.server_close()
