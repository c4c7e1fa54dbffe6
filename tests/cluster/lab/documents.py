"""The configuration of a lab's parts, as they see their files from inside: see ``node.py`` for the paths."""

from __future__ import annotations

import json
from typing import Any

from tests.cluster.lab import build
from tests.cluster.lab import places as at
from tests.cluster.lab.places import Places

BIN = "/run/lab/tools/bin"
PKI = "/run/lab/run/pki"
ETC = "/run/lab/run/etc"
SOCKET = "/run/containerd/containerd.sock"
VOLUMES = "/var/lib/lab-volumes"
IMAGES = "/var/lib/containerd"


def write(places: Places) -> None:
    """Write every document."""
    folder = places.run / "etc"
    folder.mkdir()
    (folder / "cni").mkdir()
    (folder / "cni/10-lab.conflist").write_text(json.dumps(_network(), indent=1))
    (folder / "containerd.toml").write_text(_CONTAINERD)
    (folder / "kubelet.yaml").write_text(json.dumps(_kubelet(places), indent=1))
    (folder / "proxy.yaml").write_text(json.dumps(_proxy(), indent=1))
    (folder / "resolv.conf").write_text(f"nameserver {at.DNS_SERVICE}\n")
    (folder / "walls.nft").write_text(_WALLS)
    (folder / "base.yaml").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": _base()}, indent=1))


def components(places: Places, kwok: str) -> list[dict[str, Any]]:
    """What runs, in order, and after which gate: the API server answers; no container of an earlier run is left; …"""
    return [
        _component("etcd", "etcd", *_ETCD),
        _component("containerd", "containerd", "--config", f"{ETC}/containerd.toml"),
        _component("apiserver", "kube-apiserver", *_apiserver(places)),
        _component("controllers", "kube-controller-manager", *_CONTROLLERS, after=("api",)),
        _component("scheduler", "kube-scheduler", *_SCHEDULER, after=("api",)),
        _component("kubelet", "kubelet", *_kubelet_words(places), after=("api", "clean")),
        _component("proxy", "kube-proxy", "--config", f"{ETC}/proxy.yaml", after=("api",)),
        _component("policy", "lab-policy", "-kubeconfig", f"{PKI}/lab.conf", after=("api",)),
        _component("provisioner", "lab-provisioner", *_PROVISIONER, after=("api",)),
        {"name": "kwok", "words": [f"/run/lab/built/{kwok}/bin/kwok", *_kwok_words(kwok)], "after": ["api", "kwok"]},
    ]


def _component(name: str, program: str, *words: str, after: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"name": name, "words": [f"{BIN}/{program}", *words], "after": list(after)}


# Nothing of a lab outlives the machine, so nothing waits for the disk.
_ETCD = (
    *("--data-dir", "/var/lib/etcd", "--unsafe-no-fsync", "--log-level", "warn"),
    *("--listen-client-urls", "http://127.0.0.1:2379", "--advertise-client-urls", "http://127.0.0.1:2379"),
    *("--listen-peer-urls", "http://127.0.0.1:2380"),
)
_CONTROLLERS = (
    *("--kubeconfig", f"{PKI}/controllers.conf", "--authentication-kubeconfig", f"{PKI}/controllers.conf"),
    *("--authorization-kubeconfig", f"{PKI}/controllers.conf", "--use-service-account-credentials"),
    *("--service-account-private-key-file", f"{PKI}/accounts.key", "--root-ca-file", f"{PKI}/ca.crt"),
    *("--cluster-signing-cert-file", f"{PKI}/ca.crt", "--cluster-signing-key-file", f"{PKI}/ca.key"),
    *("--leader-elect=false", "--allocate-node-cidrs=false", "--bind-address", "127.0.0.1"),
    *("--node-monitor-grace-period", "60s", "--kube-api-qps", "200", "--kube-api-burst", "400", "--v", "1"),
)
_SCHEDULER = (
    *("--kubeconfig", f"{PKI}/scheduler.conf", "--authentication-kubeconfig", f"{PKI}/scheduler.conf"),
    *("--authorization-kubeconfig", f"{PKI}/scheduler.conf", "--leader-elect=false"),
    *("--bind-address", "127.0.0.1", "--kube-api-qps", "500", "--kube-api-burst", "1000", "--v", "1"),
)
_PROVISIONER = ("-kubeconfig", f"{PKI}/lab.conf", "-folder", VOLUMES, "-node", at.NODE)


def _apiserver(places: Places) -> tuple[str, ...]:
    issuer = "https://kubernetes.default.svc.cluster.local"
    return (
        *("--etcd-servers", "http://127.0.0.1:2379", "--secure-port", str(at.API_PORT)),
        *("--advertise-address", places.node_address, "--service-cluster-ip-range", at.SERVICES),
        *("--tls-cert-file", f"{PKI}/apiserver.crt", "--tls-private-key-file", f"{PKI}/apiserver.key"),
        *("--client-ca-file", f"{PKI}/ca.crt", "--token-auth-file", f"{PKI}/tokens.csv"),
        *("--authorization-mode", "Node,RBAC", "--enable-admission-plugins", "NodeRestriction", "--allow-privileged"),
        *("--service-account-issuer", issuer, "--service-account-key-file", f"{PKI}/accounts.pub"),
        *("--service-account-signing-key-file", f"{PKI}/accounts.key"),
        *("--kubelet-client-certificate", f"{PKI}/to-kubelet.crt", "--kubelet-client-key", f"{PKI}/to-kubelet.key"),
        *("--kubelet-certificate-authority", f"{PKI}/ca.crt", "--kubelet-preferred-address-types", "InternalIP"),
        *("--profiling=false", "--v", "1"),
    )


def _kubelet_words(places: Places) -> tuple[str, ...]:
    return (
        *("--config", f"{ETC}/kubelet.yaml", "--kubeconfig", f"{PKI}/kubelet.conf", "--node-ip", places.node_address),
        *("--hostname-override", at.NODE, "--v", "2"),
    )


def _kwok_words(folder: str) -> tuple[str, ...]:
    return (
        *("--kubeconfig", f"{PKI}/lab.conf", "--config", f"/run/lab/built/{folder}/stages.yaml"),
        *("--manage-nodes-with-annotation-selector", "kwok.x-k8s.io/node=fake"),
        *("--node-lease-duration-seconds", "40", "--cidr", "10.250.0.0/16"),
    )


# ptp, not a bridge: what pods say to each other is routed, so that policies see it on any kernel.
def _network() -> dict[str, Any]:
    address = {"type": "host-local", "dataDir": "/run/lab/addresses", "ranges": [[{"subnet": at.PODS}]]}
    route = {"routes": [{"dst": "0.0.0.0/0"}]}
    plugins = [
        {"type": "ptp", "ipMasq": False, "ipam": {**address, **route}},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ]
    return {"cniVersion": "1.0.0", "name": "lab", "plugins": plugins}


# restrict_oom_score_adj: where root lacks CAP_SYS_RESOURCE, runc cannot lower it, and no pod would start.
# The plugin "opt" would make /opt/containerd on the host.
_CONTAINERD = f"""version = 3
root = "{IMAGES}"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri"]
[grpc]
  address = "{SOCKET}"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "{build.IMAGES["pause"]}"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "{ETC}/cni"
  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = "runc"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
        BinaryName = "{BIN}/runc"
        SystemdCgroup = false
"""


def _kubelet(places: Places) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": places.node_address,
        "authentication": {"webhook": {"enabled": True}, "x509": {"clientCAFile": f"{PKI}/ca.crt"}},
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{places.name}",
        "clusterDNS": [at.DNS_SERVICE],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "failCgroupV1": False,  # machines with both versions of cgroups exist
        "failSwapOn": False,
        "imageGCHighThresholdPercent": 100,
        "maxPods": 110,
        "nodeStatusUpdateFrequency": "5s",
        "resolvConf": f"{ETC}/resolv.conf",
        "serializeImagePulls": False,
        "tlsCertFile": f"{PKI}/kubelet.crt",
        "tlsPrivateKeyFile": f"{PKI}/kubelet.key",
        "volumePluginDir": "/var/lib/kubelet/plugins-exec",
    }


def _proxy() -> dict[str, Any]:
    # Zeros: leave the kernel's own limits, which only the machine's first network may change.
    untouched = {"maxPerCore": 0, "min": 0, "tcpCloseWaitTimeout": "0s", "tcpEstablishedTimeout": "0s"}
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": at.PODS,
        "hostnameOverride": at.NODE,
        "clientConnection": {"kubeconfig": f"{PKI}/proxy.conf"},
        "conntrack": untouched,
        "nftables": {"minSyncPeriod": "100ms"},
    }


# The lab answers the host, and begins nothing towards it: neither pods nor the node reach anything outside.
_WALLS = """table inet somahub-lab-walls {
    chain forward {
        type filter hook forward priority -10; policy accept;
        oifname "eth0" ct state new reject with icmpx admin-prohibited
    }
    chain output {
        type filter hook output priority -10; policy accept;
        oifname "eth0" ct state new reject with icmpx admin-prohibited
    }
}
"""

# Names outside do not exist: nothing outside is in reach.
_COREFILE = """cluster.local in-addr.arpa ip6.arpa {
    errors
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        ttl 5
    }
    cache 5
}
. {
    errors
    template ANY ANY {
        rcode NXDOMAIN
    }
}
"""


def _base() -> list[dict[str, Any]]:
    """What a cluster has from its first day: storage, and names."""
    labels = {"k8s-app": "kube-dns"}
    meta = {"name": "coredns", "namespace": "kube-system"}
    watch = ["endpoints", "services", "pods", "namespaces"]
    rules = [
        {"apiGroups": [""], "resources": watch, "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    rbac = "rbac.authorization.k8s.io"
    role = {"apiGroup": rbac, "kind": "ClusterRole", "name": "system:coredns"}
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    ports = [{"name": f"dns-{protocol.lower()}", "port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
    return [
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": "local", "annotations": default},
            "provisioner": "somahub-lab/local",
            "reclaimPolicy": "Delete",
        },
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"Corefile": _COREFILE}},
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": {"name": "system:coredns"}, "rules": rules},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "system:coredns"},
            "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", **meta}],
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": labels},
            "spec": {"clusterIP": at.DNS_SERVICE, "selector": labels, "ports": ports},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {**meta, "labels": labels},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": _coredns_pod()},
            },
        },
    ]


def _coredns_pod() -> dict[str, Any]:
    ports = [{"name": f"dns-{each.lower()}", "containerPort": 53, "protocol": each} for each in ("UDP", "TCP")]
    container = {
        "name": "coredns",
        "image": build.COREDNS_IMAGE,
        "imagePullPolicy": "Never",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "ports": ports,
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns"}],
        "securityContext": {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "runAsUser": 65532},
    }
    return {
        "serviceAccountName": "coredns",
        "dnsPolicy": "Default",
        "priorityClassName": "system-cluster-critical",
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": "coredns"}}],
    }
