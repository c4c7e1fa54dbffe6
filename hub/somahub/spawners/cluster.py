"""The spawner of a Kubernetes cluster: each session is a pod, started by KubeSpawner from a plan."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from kubernetes_asyncio.client.exceptions import ApiException
from kubespawner import KubeSpawner

from somahub.availability import who
from somahub.cluster import Cluster
from somahub.errors import SomahubError, StartError
from somahub.instance import Instance
from somahub.model import SessionPlan
from somahub.spawners import pods, waiting
from somahub.spawners.chosen import Chosen, stopped
from somahub.spawners.news import News, shown
from somahub.spawners.waiting import Asked, Impossible

# Seconds between two looks at a pod that starts; they cost nothing, since KubeSpawner watches all pods anyway.
_BEAT: Final = 0.25
# Traits that are a choice of the chart's values and of the plan together.
_MERGED: Final = ("environment", "extra_labels", "extra_annotations", "node_selector", "volumes", "volume_mounts")


class ClusterSpawner(Chosen, KubeSpawner):  # type: ignore[misc]
    """A person's session on this cluster."""

    instance: ClassVar[Instance[Cluster]]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.news = News()
        self._asked: Asked | None = None
        self._values = {name: getattr(self, name) for name in (*_MERGED, "tolerations")}
        # When its pod was last seen to run, since this hub runs.
        self._seen: datetime | None = None
        self._noted = ""

    @property
    def session(self) -> str:
        """The name of the session that runs, or starts, or nothing: its pod says so, whatever happens to the hub."""
        return str(self._annotations().get(pods.SESSION, ""))

    async def load_user_options(self) -> None:
        """Make this server what the person chose; raises CatalogError when that is not offered."""
        plan = self.planned()
        image = self.instance.tier.image(plan.app.name)
        for name, value in pods.overrides(plan, image).items():
            setattr(self, name, self._merged(name, value))
        self._asked = self._ask(plan, image)
        # It remembers that a home's claim was there once; one that was removed since is made anew.
        self._pvc_exists = False

    async def start(self) -> str:
        """Start the pod and return its URL once it runs; a start that is in vain ends at once, and says why."""
        self._asked = None
        self.news.say(0, "Getting ready")
        starting = asyncio.ensure_future(super().start())
        try:
            await self._watch(starting)
            return str(await starting)
        except TimeoutError as error:
            last = str(self.news.step.get("message", "")).rstrip(".")
            line = f"The session did not start in {self.start_timeout // 60} minutes; the last thing was: {last}"
            raise shown(StartError(line, mend="Try again, or tell an administrator")) from error
        except ApiException as error:
            raise shown(_error(waiting.refusal(error.status, _message(error)))) from error
        except SomahubError as error:
            raise shown(error) from error
        finally:
            if not starting.done():
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Each step of the start, as JupyterHub's waiting page shows it."""
        async for step in self.news.follow():
            yield step

    async def poll(self) -> int | None:
        """None while the pod starts or runs, else its exit status; an end is noted, once."""
        await self._start_watching_pods()
        pod = self._pod()
        if pod and waiting.over(pod):
            # Before KubeSpawner takes the pod away, and with it the reason.
            self._note_end(*waiting.ended(pod))
        status: int | None = await super().poll()
        if status is None:
            self._seen = datetime.now(UTC)
            self._note_start()
        else:
            self._note_end(*waiting.ended(pod))
        return status

    async def stop(self, now: bool = False) -> None:
        """End the pod, and wait until it is gone."""
        await super().stop(now)
        self._note_end("stopped", datetime.now(UTC))

    async def _watch(self, starting: asyncio.Future[str]) -> None:
        """Tell what the pod waits for until it runs; raises StartError, and takes it away, when it never will."""
        made = False
        while not starting.done():
            if self._asked is not None:
                autoscaling = self.instance.tier.document.autoscaling
                now = datetime.now(UTC)
                told = waiting.look(self._pod(), self.events, self._asked, autoscaling=autoscaling, now=now)
                # Not one of an earlier session, which KubeSpawner takes away first.
                made = made or self.session == self.extra_annotations.get(pods.SESSION)
                if made and self._pod() is None:
                    told = waiting.GONE
                if isinstance(told, Impossible):
                    starting.cancel()
                    await asyncio.gather(starting, return_exceptions=True)
                    self._note_end(told.why, now)
                    await self.stop(now=True)
                    raise _error(told)
                self.news.say(told.progress, told.words)
                self._note_start()
            await asyncio.wait([starting], timeout=_BEAT)
        self.news.say(96, "Opening the session")

    def _merged(self, name: str, value: Any) -> Any:
        before = self._values.get(name)
        if name == "tolerations":
            return [*(before.values() if isinstance(before, dict) else before or []), *value]
        return {**(before or {}), **value} if name in _MERGED else value

    def _ask(self, plan: SessionPlan, image: str) -> Asked:
        profile, hardware = self.chosen()
        holders = who(self.instance.holdings(), "gpus") if hardware.gpus else ""
        return Asked(profile.title, image, hardware, holders)

    def _pod(self) -> Mapping[str, Any] | None:
        reflector = self.pod_reflector
        pod = reflector.pods.get(f"{self.namespace}/{self.pod_name}") if reflector else None
        return pod if isinstance(pod, Mapping) else None

    def _annotations(self) -> Mapping[str, str]:
        pod = self._pod()
        return (pod["metadata"].get("annotations") or {}) if pod else {}

    def _note_start(self) -> None:
        pod = self._pod()
        if pod and (fact := pods.began(pod)) and fact.session != self._noted:
            self.note_start(fact)
            self._noted = fact.session

    def _note_end(self, why: str, at: datetime | None) -> None:
        """Note the end of this server's session, or of any that is still open in its name."""
        mine = (self.user.name, self.name)
        for fact in self.instance.ledger.open_sessions():
            if (fact.person, dict(fact.detail)["server"]) == mine:
                self.instance.ledger.append(stopped(fact, at or self._seen or self._last_activity(fact.at), why))

    def _last_activity(self, otherwise: datetime) -> datetime:
        """When JupyterHub last heard of this server: the best that is known of one that ended while no hub ran."""
        at = self.orm_spawner.last_activity if self.orm_spawner else None
        return at.replace(tzinfo=UTC) if at else otherwise


def _error(told: Impossible) -> StartError:
    return StartError(told.why, mend=told.mend)


def _message(error: ApiException) -> str:
    """What the cluster's API said, without its JSON around it."""
    try:
        return str(json.loads(error.body or "")["message"])
    except (TypeError, ValueError, KeyError):
        return str(error.reason)
