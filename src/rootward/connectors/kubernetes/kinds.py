"""Where each kind of object lives in the Kubernetes API: group and version, plural, whether it has a namespace.

Source: https://kubernetes.io/docs/reference/kubernetes-api/ (v1.31) and the projects' own custom resources.
"""

from typing import NamedTuple


class Place(NamedTuple):
    prefix: str  # /api/v1 or /apis/<group>/<version>
    plural: str
    namespaced: bool = True


_CORE = "/api/v1"
_APPS = "/apis/apps/v1"
_BATCH = "/apis/batch/v1"
_NETWORK = "/apis/networking.k8s.io/v1"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_STORAGE = "/apis/storage.k8s.io/v1"
_ISTIO = "/apis/networking.istio.io/v1"

KINDS = {
    "Pod": Place(_CORE, "pods"),
    "Service": Place(_CORE, "services"),
    "Endpoints": Place(_CORE, "endpoints"),
    "ConfigMap": Place(_CORE, "configmaps"),
    "Secret": Place(_CORE, "secrets"),
    "ServiceAccount": Place(_CORE, "serviceaccounts"),
    "PersistentVolumeClaim": Place(_CORE, "persistentvolumeclaims"),
    "PersistentVolume": Place(_CORE, "persistentvolumes", namespaced=False),
    "ResourceQuota": Place(_CORE, "resourcequotas"),
    "LimitRange": Place(_CORE, "limitranges"),
    "ReplicationController": Place(_CORE, "replicationcontrollers"),
    "Node": Place(_CORE, "nodes", namespaced=False),
    "Namespace": Place(_CORE, "namespaces", namespaced=False),
    "Event": Place(_CORE, "events"),
    "Deployment": Place(_APPS, "deployments"),
    "ReplicaSet": Place(_APPS, "replicasets"),
    "StatefulSet": Place(_APPS, "statefulsets"),
    "DaemonSet": Place(_APPS, "daemonsets"),
    "ControllerRevision": Place(_APPS, "controllerrevisions"),
    "Job": Place(_BATCH, "jobs"),
    "CronJob": Place(_BATCH, "cronjobs"),
    "HorizontalPodAutoscaler": Place("/apis/autoscaling/v2", "horizontalpodautoscalers"),
    "VerticalPodAutoscaler": Place("/apis/autoscaling.k8s.io/v1", "verticalpodautoscalers"),
    "PodDisruptionBudget": Place("/apis/policy/v1", "poddisruptionbudgets"),
    "Ingress": Place(_NETWORK, "ingresses"),
    "IngressClass": Place(_NETWORK, "ingressclasses", namespaced=False),
    "NetworkPolicy": Place(_NETWORK, "networkpolicies"),
    "EndpointSlice": Place("/apis/discovery.k8s.io/v1", "endpointslices"),
    "StorageClass": Place(_STORAGE, "storageclasses", namespaced=False),
    "VolumeAttachment": Place(_STORAGE, "volumeattachments", namespaced=False),
    "Role": Place(_RBAC, "roles"),
    "RoleBinding": Place(_RBAC, "rolebindings"),
    "ClusterRole": Place(_RBAC, "clusterroles", namespaced=False),
    "ClusterRoleBinding": Place(_RBAC, "clusterrolebindings", namespaced=False),
    "PriorityClass": Place("/apis/scheduling.k8s.io/v1", "priorityclasses", namespaced=False),
    "Lease": Place("/apis/coordination.k8s.io/v1", "leases"),
    "CustomResourceDefinition": Place("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions", namespaced=False),
    "MutatingWebhookConfiguration": Place(
        "/apis/admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", namespaced=False
    ),
    "ValidatingWebhookConfiguration": Place(
        "/apis/admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", namespaced=False
    ),
    "Certificate": Place("/apis/cert-manager.io/v1", "certificates"),
    "VirtualService": Place(_ISTIO, "virtualservices"),
    "DestinationRule": Place(_ISTIO, "destinationrules"),
    "ServiceEntry": Place(_ISTIO, "serviceentries"),
    "Gateway": Place("/apis/gateway.networking.k8s.io/v1", "gateways"),
    "HTTPRoute": Place("/apis/gateway.networking.k8s.io/v1", "httproutes"),
    "Rollout": Place("/apis/argoproj.io/v1alpha1", "rollouts"),
    "Application": Place("/apis/argoproj.io/v1alpha1", "applications"),
}
