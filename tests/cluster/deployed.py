"""A somahub on a cluster, as the browser's visitors and the tests see it."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.cluster.lab import Cluster, CommandError

HOME = "/home/user"
FACTS = """
import json, sys
from somahub.ledger import Ledger
from somahub.settings import Settings
for fact in Ledger(Settings().database).facts():
    if fact.person == sys.argv[1]:
        print(json.dumps({"kind": fact.kind, "session": fact.session, "detail": dict(fact.detail), "at": str(fact.at)}))
"""


@dataclass
class Deployed:
    """One release. ``url`` answers; people are made by :meth:`person`."""

    cluster: Cluster
    namespace: str
    url: str
    people: dict[str, str] = field(default_factory=dict)

    def kubectl(self, *words: str, given: str | None = None, seconds: float = 120) -> str:
        """What kubectl says in this namespace; raises CommandError with what it complains of."""
        return self.cluster.kubectl("-n", self.namespace, *words, given=given, seconds=seconds)

    def ask_cluster(self, *words: str) -> Any:
        """What kubectl answers, as Python's own types."""
        return json.loads(self.kubectl(*words, "-o", "json"))

    def somahub(self, *words: str) -> str:
        """Run `somahub …` in the hub's pod, as the operator does."""
        return self.kubectl("exec", "deploy/hub", "-c", "hub", "--", "somahub", *words).strip()

    def person(self, name: str) -> tuple[str, str]:
        """Somebody who can log in: their name and password."""
        if name not in self.people:
            try:
                said = self.somahub("user", "add", name)
            except CommandError:  # of an earlier run
                said = self.somahub("user", "reset", name)
            self.people[name] = said.split()[-1]
        return name, self.people[name]

    def ask(self, method: str, path: str, options: dict[str, str] | None = None) -> httpx.Response:
        """Ask the hub's API as its operator."""
        token = self.kubectl("exec", "deploy/hub", "-c", "hub", "--", "cat", "/srv/jupyterhub/secrets/operator").strip()
        headers = {"Authorization": f"token {token}"}
        return httpx.request(method, f"{self.url}/hub/api{path}", headers=headers, json=options, timeout=30)

    def pods(self, *, person: str = "", component: str = "singleuser-server") -> list[dict[str, Any]]:
        """The pods of a component, those of one person where one is named."""
        labels = f"component={component}" + (f",somahub/person={person}" if person else "")
        return list(self.ask_cluster("get", "pods", "-l", labels)["items"])

    def pod(self, person: str) -> str:
        """The name of the one pod of a person."""
        (found,) = self.pods(person=person)
        return str(found["metadata"]["name"])

    def inside(self, person: str, *command: str, seconds: float = 120) -> str:
        """What a command says in the session of a person; raises CommandError where it fails."""
        return self.kubectl("exec", self.pod(person), "--", *command, seconds=seconds)

    def read(self, person: str, path: str) -> bytes:
        """A file in the home of somebody whose session runs."""
        return base64.b64decode(self.inside(person, "base64", f"{HOME}/{path}"))

    def secret(self, name: str, key: str) -> str:
        """A value of one of the release's secrets."""
        data = self.ask_cluster("get", "secret", name)["data"]
        return base64.b64decode(data[key]).decode()

    def kill(self, component: str) -> float:
        """Kill a component's pod without notice; returns when, by the monotonic clock."""
        (pod,) = self.pods(component=component)
        at = time.monotonic()
        self.kubectl("delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force", "--wait=false")
        return at

    def answers(self, path: str = "/hub/api/") -> bool:
        """Whether an address answers with success, without a log-in."""
        try:
            return httpx.get(self.url + path, timeout=2).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def facts(self, person: str) -> list[dict[str, Any]]:
        """What the ledger says of a person's sessions, the oldest first."""
        said = self.kubectl("exec", "deploy/hub", "-c", "hub", "--", "python3", "-c", FACTS, person)
        return [json.loads(line) for line in said.splitlines()]
