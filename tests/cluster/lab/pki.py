"""Who may speak to whom in a lab: one authority, a certificate a server, a token a client."""

from __future__ import annotations

import base64
import secrets
import subprocess
from pathlib import Path

from somahub.errors import SetupError
from tests.cluster.lab import places as at
from tests.cluster.lab.places import Places

# Name of the kubeconfig, the API's name for its holder, and the groups it is in.
_CLIENTS = {
    "admin": ("admin", "system:masters"),
    "controllers": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "kubelet": (f"system:node:{at.NODE}", "system:nodes"),
    "proxy": ("system:kube-proxy", "system:node-proxier"),
    "lab": ("somahub-lab", "system:masters"),
}


def make(places: Places) -> None:
    """Make all keys, certificates, tokens and kubeconfigs anew."""
    folder = places.pki
    folder.mkdir(mode=0o700)
    address = places.node_address
    _key(folder, "ca")
    _openssl("req", "-x509", "-new", "-key", f"{folder}/ca.key", "-subj", "/CN=somahub-lab", "-out", f"{folder}/ca.crt")
    cluster = ("kubernetes", *(f"kubernetes.default{more}" for more in ("", ".svc", ".svc.cluster.local")))
    names = ",".join(["DNS:localhost", *(f"DNS:{name}" for name in cluster)])
    addresses = ",".join(f"IP:{one}" for one in (at.API_SERVICE, address, "127.0.0.1"))
    _issue(folder, "apiserver", "/CN=kube-apiserver", f"subjectAltName={names},{addresses}")
    _issue(folder, "to-kubelet", "/O=system:masters/CN=kube-apiserver", "extendedKeyUsage=clientAuth")
    subject = f"/O=system:nodes/CN=system:node:{at.NODE}"
    _issue(folder, "kubelet", subject, f"subjectAltName=IP:{address},IP:127.0.0.1,DNS:{at.NODE}")
    _key(folder, "accounts")
    _openssl("ec", "-in", f"{folder}/accounts.key", "-pubout", "-out", f"{folder}/accounts.pub")
    _tokens(places)


def _tokens(places: Places) -> None:
    lines = []
    for name, (user, group) in _CLIENTS.items():
        token = secrets.token_hex(16)
        lines.append(f'{token},{user},{name},"{group}"\n')
        _write(places.pki / f"{name}.conf", _kubeconfig(places, token))
    _write(places.pki / "tokens.csv", "".join(lines))
    _write(places.kubeconfig, (places.pki / "admin.conf").read_text())


def _kubeconfig(places: Places, token: str) -> str:
    authority = base64.b64encode((places.pki / "ca.crt").read_bytes()).decode()
    server = f"https://{places.node_address}:{at.API_PORT}"
    return f"""apiVersion: v1
kind: Config
clusters: [{{name: lab, cluster: {{server: "{server}", certificate-authority-data: {authority}}}}}]
users: [{{name: lab, user: {{token: {token}}}}}]
contexts: [{{name: lab, context: {{cluster: lab, user: lab}}}}]
current-context: lab
"""


def _issue(folder: Path, name: str, subject: str, more: str) -> None:
    _key(folder, name)
    _write(folder / f"{name}.ext", more)
    _openssl("req", "-new", "-key", f"{folder}/{name}.key", "-subj", subject, "-out", f"{folder}/{name}.csr")
    signed = ["-CA", f"{folder}/ca.crt", "-CAkey", f"{folder}/ca.key", "-CAcreateserial", "-days", "3650"]
    out = ["-extfile", f"{folder}/{name}.ext", "-out", f"{folder}/{name}.crt"]
    _openssl("x509", "-req", "-in", f"{folder}/{name}.csr", *signed, *out)


def _key(folder: Path, name: str) -> None:
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{folder}/{name}.key")


def _openssl(*words: str) -> None:
    done = subprocess.run(["openssl", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"openssl {words[0]} failed: {done.stderr.strip()[-300:]}")


def _write(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)
