"""Rounds through the cluster that keep the ledger and the cluster true to each other, whatever was killed when."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiohttp import ClientError
from jupyterhub.app import JupyterHub
from kubernetes_asyncio.client.exceptions import ApiException
from kubespawner.clients import load_config, shared_client

from somahub import catalog
from somahub.cluster import Cluster, this_cluster
from somahub.errors import SomahubError
from somahub.instance import Instance, shipped
from somahub.ledger.reconcile import closing
from somahub.settings import Settings
from somahub.spawners import pods

_PERIOD: Final = 60.0
_LOOK: Final = 5.0
# A pod this young may belong to a start that the hub has not written down yet.
_YOUNG: Final = timedelta(minutes=5)
_log = logging.getLogger("somahub.rounds")


async def go_round(instance: Instance[Cluster], namespace: str) -> None:
    """Compare, every minute and without end; a cluster or a ledger that does not answer is asked again."""
    load_config()
    api = shared_client("CoreV1Api")
    last_seen: dict[str, datetime] = {}
    while True:
        # First the wait: JupyterHub itself looks at the servers that it knows when it starts.
        await asyncio.sleep(_PERIOD)
        try:
            # First the facts: a session's fact is written after its pod is there, so one without a pod is over.
            facts = instance.ledger.open_sessions()
            found = await api.list_namespaced_pod(namespace, label_selector=pods.LABEL)
            running = {(pod.metadata.annotations or {}).get(pods.SESSION, ""): pod.metadata for pod in found.items}
            for fact in closing(facts, running, last_seen):
                instance.ledger.append(fact)
            last_seen = dict.fromkeys(running, datetime.now(UTC))
            for stray in strays(running, _known, datetime.now(UTC)):
                _log.warning("pod %s is no server of this hub; ending it", stray)
                await api.delete_namespaced_pod(stray, namespace)
        except (ApiException, ClientError, OSError, SomahubError) as error:
            _log.warning("this round was not completed, the next will be tried: %r", error)


async def end_when_changed(settings: Settings) -> None:
    """End this hub, to be started anew by the cluster, once other documents lie where its own came from.

    Documents with a fault are left alone: a hub that runs is worth more than one that does not start.
    """
    looked = _fingerprint(settings)
    while True:
        await asyncio.sleep(_LOOK)
        with suppress(OSError):  # they are just being replaced: the next look finds them
            now = _fingerprint(settings)
            if now != looked and _sound(settings):
                break
            looked = now
    _log.warning("the documents have changed; starting anew with them")
    os.kill(os.getpid(), signal.SIGTERM)


def _fingerprint(settings: Settings) -> str:
    files = [settings.cluster, *sorted(settings.profiles.glob("*.yaml") if settings.profiles else ())]
    texts = [f"{file}\0{file.read_text()}" for file in files if file and file.is_file()]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _sound(settings: Settings) -> bool:
    try:
        faults = catalog.check_lines(settings.profiles or shipped("profiles"), this_cluster(settings).apps())
    except SomahubError as error:
        faults = [str(error)]
    for fault in faults:
        _log.warning("not taken up: %s", fault)
    return not faults


def strays(running: Mapping[str, Any], known: Callable[[str, str], bool], now: datetime) -> list[str]:
    """The names of pods that no server of the hub stands for, by their metadata; those just made are left alone."""
    return [
        meta.name
        for meta in running.values()
        if now - meta.creation_timestamp > _YOUNG
        and not known(meta.annotations["somahub/person"], meta.annotations["somahub/server"])
    ]


def _known(person: str, server: str) -> bool:
    users = JupyterHub.instance().users
    if person not in users:
        return False
    spawner = users[person].spawners.get(server)
    return spawner is not None and bool(spawner.active or spawner.pending)
