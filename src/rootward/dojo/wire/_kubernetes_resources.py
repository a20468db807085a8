"""Which resources an API server has, and the discovery documents that tell clients about them."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

VERBS = ["get", "list", "watch"]


@dataclasses.dataclass(frozen=True, slots=True)
class Resource:
    """`group` "" is the core group; `plural` as in paths; `built_in` kinds leave kind and apiVersion out of list items."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    built_in: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


def _built_in() -> tuple[Resource, ...]:
    # group/version | plural Kind [short names …] [! cluster-wide] [* in category "all"]
    table = {
        "v1": "pods Pod po *|services Service svc *|nodes Node no !|namespaces Namespace ns !|events Event ev|configmaps ConfigMap cm"
        "|secrets Secret|persistentvolumes PersistentVolume pv !|persistentvolumeclaims PersistentVolumeClaim pvc"
        "|serviceaccounts ServiceAccount sa|endpoints Endpoints ep|replicationcontrollers ReplicationController rc *"
        "|resourcequotas ResourceQuota quota|limitranges LimitRange limits",
        "apps/v1": "deployments Deployment deploy *|replicasets ReplicaSet rs *|statefulsets StatefulSet sts *"
        "|daemonsets DaemonSet ds *|controllerrevisions ControllerRevision",
        "batch/v1": "jobs Job *|cronjobs CronJob cj *",
        "autoscaling/v2": "horizontalpodautoscalers HorizontalPodAutoscaler hpa *",
        "networking.k8s.io/v1": "ingresses Ingress ing|networkpolicies NetworkPolicy netpol|ingressclasses IngressClass !",
        "policy/v1": "poddisruptionbudgets PodDisruptionBudget pdb",
        "rbac.authorization.k8s.io/v1": "roles Role|rolebindings RoleBinding|clusterroles ClusterRole !"
        "|clusterrolebindings ClusterRoleBinding !",
        "storage.k8s.io/v1": "storageclasses StorageClass sc !|volumeattachments VolumeAttachment !|csidrivers CSIDriver !"
        "|csinodes CSINode !",
        "admissionregistration.k8s.io/v1": "validatingwebhookconfigurations ValidatingWebhookConfiguration !"
        "|mutatingwebhookconfigurations MutatingWebhookConfiguration !",
        "node.k8s.io/v1": "runtimeclasses RuntimeClass !",
        "events.k8s.io/v1": "events Event ev",
        "discovery.k8s.io/v1": "endpointslices EndpointSlice",
        "coordination.k8s.io/v1": "leases Lease",
        "scheduling.k8s.io/v1": "priorityclasses PriorityClass pc !",
        "apiextensions.k8s.io/v1": "customresourcedefinitions CustomResourceDefinition crd crds !",
    }
    out = []
    for api_version, rows in table.items():
        group, version = split_api_version(api_version)
        for row in rows.split("|"):
            plural, kind, *rest = row.split()
            short = tuple(word for word in rest if word not in "!*")
            out.append(Resource(group, version, plural, kind, "!" not in rest, short, ("all",) if "*" in rest else ()))
    return tuple(out)


def split_api_version(api_version: str) -> tuple[str, str]:
    """(group, version); the core group is ""."""
    group, slash, version = api_version.partition("/")
    return (group, version) if slash else ("", group)


BUILT_IN = _built_in()


def plural_of(kind: str) -> str:
    """How custom resources are usually named: lower case, English plural."""
    name = kind.lower()
    if name.endswith(("s", "x", "ch", "sh")):
        return f"{name}es"
    return f"{name[:-1]}ies" if name.endswith("y") and name[-2:-1] not in "aeiou" else f"{name}s"


def with_custom(found: Iterable[tuple[str, str, bool]]) -> tuple[Resource, ...]:
    """The built-in resources and one for each other (apiVersion, kind, namespaced) that the telemetry has."""
    known = {(one.group, one.version, one.kind) for one in BUILT_IN}
    groups = {one.group for one in BUILT_IN}
    out = list(BUILT_IN)
    for api_version, kind, namespaced in sorted(found):
        group, version = split_api_version(api_version)
        if (group, version, kind) not in known:
            known.add((group, version, kind))
            same = next((one for one in BUILT_IN if (one.group, one.kind) == (group, kind)), None)
            plural = same.plural if same else plural_of(kind)
            out.append(Resource(group, version, plural, kind, namespaced, built_in=group in groups))
    return tuple(out)


def core_versions(host: str) -> dict[str, Any]:
    """`GET /api`."""
    address = [{"clientCIDR": "0.0.0.0/0", "serverAddress": host}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": address}


def group_list(resources: Sequence[Resource]) -> dict[str, Any]:
    """`GET /apis`."""
    names = dict.fromkeys(one.group for one in resources if one.group)
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name, resources) for name in names]}


def group(name: str, resources: Sequence[Resource]) -> dict[str, Any]:
    """`GET /apis/<group>`."""
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, resources)}


def _group(name: str, resources: Sequence[Resource]) -> dict[str, Any]:
    versions = dict.fromkeys(one.version for one in resources if one.group == name)
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def resource_list(api_version: str, resources: Sequence[Resource]) -> dict[str, Any]:
    """`GET /api/v1` or `GET /apis/<group>/<version>`."""
    listed: list[dict[str, Any]] = []
    for one in resources:
        if one.api_version != api_version:
            continue
        entry: dict[str, Any] = {"name": one.plural, "singularName": one.kind.lower(), "namespaced": one.namespaced}
        entry |= {"kind": one.kind, "verbs": VERBS}
        if one.short:
            entry["shortNames"] = list(one.short)
        if one.categories:
            entry["categories"] = list(one.categories)
        listed.append(entry)
        if (one.group, one.plural) == ("", "pods"):
            listed.append({"name": "pods/log", "singularName": "", "namespaced": True, "kind": "Pod", "verbs": ["get"]})
    head = {"kind": "APIResourceList", "groupVersion": api_version}
    return {**head, "resources": listed} if api_version == "v1" else {**head, "apiVersion": "v1", "resources": listed}
