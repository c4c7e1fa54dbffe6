"""Render a session plan as the commands of bubblewrap and pasta. Pure."""

# ruff: noqa: S108 - the /tmp meant here is a sandbox's own

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from somahub.model import APPS, BUCKETS, HOME, SESSION_ENVIRONMENT, SessionPlan
from somahub.spawners.inside import GID, RUNTIME, UID, environment

HOSTNAME = "desk"
# What a session asks for names: an address of its own, which pasta answers by the host's resolver.
RESOLVER = "198.18.0.53"
# Processes and threads of one session: enough for a training with many loaders, and the end of a fork bomb.
PROCESSES = 4096

_MIB = 1 << 20
# Of the host's /etc, what programs need to run and nothing that says who or what the host is. bash reads no
# /etc/profile here, because Debian's sets PATH anew in every terminal; pip.conf names a lab's package mirror.
_ETC = (
    "OpenCL",
    "X11/app-defaults",
    "X11/fonts",
    "X11/openbox",
    "X11/rgb.txt",
    "X11/xkb",
    "alternatives",
    "bash.bashrc",
    "fonts",
    "glvnd",
    "gtk-2.0",
    "gtk-3.0",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "localtime",
    "magic",
    "mailcap",
    "mime.types",
    "os-release",
    "pip.conf",
    "protocols",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "tigervnc",
    "timezone",
    "vulkan",
    "xdg",
)
_GPU_SHARED = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU that a session was granted: ``/dev/nvidia<minor>``, named to CUDA by its UUID.

    CUDA counts only the devices that it can open, so an index of the host would be wrong in the sandbox.
    """

    minor: int
    uuid: str


@dataclass(frozen=True, slots=True)
class HostPaths:
    """Where on the host lies what a session is made of. Paths are absolute.

    ``folders`` is the keeper's folder of this session, below which buckets appear; ``files`` is where the files of
    :attr:`SandboxCommand.files` will have been written. ``port`` is the session's own, of the host's loopback and of
    the sandbox's alike; ``host_ports`` are the ports of the host's loopback that the session reaches.
    ``resolver_options`` are the ``search`` and ``options`` lines of the host's resolv.conf; ``pasta_options`` what
    this host's release of pasta needs beside.
    """

    home: str
    folders: str
    files: str
    session_environment: str
    app_environment: str
    port: int
    host_ports: tuple[int, ...]
    gpus: tuple[Gpu, ...] = ()
    resolver_options: tuple[str, ...] = ()
    pasta_options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SandboxCommand:
    """A rendered session. No secret is in it: those are added to ``environment`` by the spawner.

    ``bwrap`` and ``pasta`` are words after the program's name; ``command`` goes behind bwrap's ``--``. ``files`` are
    pairs of name and text, to be written below :attr:`HostPaths.files` beforehand.
    """

    bwrap: tuple[str, ...]
    command: tuple[str, ...]
    pasta: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]


def argv(plan: SessionPlan, host: HostPaths) -> SandboxCommand:
    """Say how to run ``plan`` on ``host``."""
    files = _files(plan, host)
    return SandboxCommand(
        bwrap=(
            *_namespaces(),
            *_system(),
            *_etc(host, files),
            *_scratch(plan.hardware.memory),
            *_devices(host.gpus),
            *_own(plan, host),
            *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", HOME),
        ),
        command=("prlimit", f"--nproc={PROCESSES}:{PROCESSES}", "--core=0:0", "--", *plan.command),
        pasta=_pasta(host),
        files=tuple(files.items()),
        environment=tuple(sorted(_environment(plan, host).items())),
    )


def _namespaces() -> tuple[str, ...]:
    """Namespaces of its own, no capability, no way to more, no terminal of somebody else's to type into."""
    return (
        *("--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
        *("--unshare-cgroup-try", "--hostname", HOSTNAME, "--uid", str(UID), "--gid", str(GID)),
        *("--cap-drop", "ALL", "--new-session", "--die-with-parent"),
    )


def _system() -> tuple[str, ...]:
    links = (word for name in ("bin", "sbin", "lib", "lib64") for word in ("--symlink", f"usr/{name}", f"/{name}"))
    topology = (
        word
        for path in ("/sys/devices/system/cpu", "/sys/devices/system/node", "/var/cache/fontconfig")
        for word in ("--ro-bind-try", path, path)
    )
    return ("--ro-bind", "/usr", "/usr", *links, "--proc", "/proc", *topology)


def _etc(host: HostPaths, files: dict[str, str]) -> tuple[str, ...]:
    shared = (word for name in _ETC for word in ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}"))
    own = (word for name in files for word in ("--ro-bind", f"{host.files}/{name}", f"/etc/{name}"))
    return (*shared, *own)


def _scratch(memory: int) -> tuple[str, ...]:
    """Folders in memory, each with a size, because the default is half of the machine's memory for each."""
    return (
        *("--dev", "/dev"),
        *("--perms", "1777", "--size", str(memory // 2), "--tmpfs", "/dev/shm"),
        *("--perms", "1777", "--size", str(memory // 4), "--tmpfs", "/tmp"),
        *("--perms", "1777", "--dir", "/tmp/.X11-unix"),
        *("--size", str(64 * _MIB), "--tmpfs", "/run"),
        *("--perms", "0700", "--dir", RUNTIME),
        *("--symlink", "../run", "/var/run", "--symlink", "../tmp", "/var/tmp"),
    )


def _devices(gpus: tuple[Gpu, ...]) -> tuple[str, ...]:
    if not gpus:
        return ()
    own = (word for gpu in gpus for word in ("--dev-bind", f"/dev/nvidia{gpu.minor}", f"/dev/nvidia{gpu.minor}"))
    shared = (word for name in _GPU_SHARED for word in ("--dev-bind-try", f"/dev/{name}", f"/dev/{name}"))
    # The driver looks up on which bus and memory node its device is.
    buses = ("--ro-bind-try", "/sys/bus/pci", "/sys/bus/pci", "--ro-bind-try", "/sys/devices", "/sys/devices")
    return (*own, *shared, *buses)


def _own(plan: SessionPlan, host: HostPaths) -> tuple[str, ...]:
    """The environments, the home, and the place in which the keeper's mounts appear and from which they go."""
    app = f"{APPS}/{plan.app.name}"
    return (
        *("--ro-bind", host.session_environment, SESSION_ENVIRONMENT),
        *("--ro-bind", host.app_environment, app),
        *("--bind", host.home, HOME),
        # The keeper's folder is read-only in itself. A --ro-bind would make the buckets in it read-only too.
        *("--bind", host.folders, BUCKETS),
    )


def _files(plan: SessionPlan, host: HostPaths) -> dict[str, str]:
    identity = hashlib.sha256(plan.session.encode()).hexdigest()[:32]
    return {
        "passwd": (
            "root:x:0:0:root:/root:/usr/sbin/nologin\n"
            f"user:x:1000:1000::{HOME}:/bin/bash\n"
            "nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n"
        ),
        "group": "root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n",
        "hosts": f"127.0.0.1 localhost\n127.0.1.1 {HOSTNAME}\n",
        "hostname": f"{HOSTNAME}\n",
        "machine-id": f"{identity}\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
        "resolv.conf": "".join(f"{line}\n" for line in (f"nameserver {RESOLVER}", *host.resolver_options)),
        "shells": "/bin/bash\n/bin/sh\n",
    }


def _pasta(host: HostPaths) -> tuple[str, ...]:
    """One port in, the named ports out, the internet as usual; neither IPv6 nor the host by its gateway's address."""
    ports = ",".join(str(port) for port in sorted(set(host.host_ports))) or "none"
    return (
        *("--config-net", "-4", "--no-map-gw", "-f", "-q"),
        *("-t", f"127.0.0.1/{host.port}", "-u", "none", "-T", ports, "-U", "none"),
        *("--dns-forward", RESOLVER, *host.pasta_options),
    )


def _environment(plan: SessionPlan, host: HostPaths) -> dict[str, str]:
    return {**environment(plan), "CUDA_VISIBLE_DEVICES": ",".join(gpu.uuid for gpu in host.gpus)}
