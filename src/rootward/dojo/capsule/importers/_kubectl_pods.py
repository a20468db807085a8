"""Pods and pod templates from `kubectl describe`: containers, probes, volumes, states, in the API's own structure."""

import re
from typing import Any

from rootward.dojo.capsule.importers import _kubectl_text as text

Json = dict[str, Any]


def template(node: text.Node) -> Json:
    """A PodTemplateSpec from the `Pod Template:` of a workload."""
    return {"metadata": {"labels": text.pairs(node.values("Labels"))}, "spec": spec(node)}


def spec(node: text.Node) -> Json:
    """A PodSpec from the lines of a pod or pod template. What `describe` does not print (affinity, pull secrets) is absent."""
    out: Json = {"containers": _containers(node.child("Containers"))}
    init = _containers(node.child("Init Containers"))
    if init:
        out["initContainers"] = init
    if account := node.get("Service Account"):
        out["serviceAccountName"] = out["serviceAccount"] = account
    if selector := text.pairs(node.values("Node-Selectors")):
        out["nodeSelector"] = selector
    if tolerations := [_toleration(line) for line in node.values("Tolerations")]:
        out["tolerations"] = tolerations
    if volumes := _volumes(node.child("Volumes")):
        out["volumes"] = volumes
    if priority := node.get("Priority Class Name"):
        out["priorityClassName"] = priority
    return out


def pod(root: text.Node) -> Json:
    """A Pod from the whole of its `describe`."""
    started = text.date_s(root.get("Start Time"))
    metadata: Json = {
        "name": root.get("Name"),
        "namespace": root.get("Namespace"),
        "labels": text.pairs(root.values("Labels")),
    }
    if started is not None:
        metadata["creationTimestamp"] = text.api_time(started)
    if annotations := text.pairs(root.values("Annotations"), ": "):
        metadata["annotations"] = annotations
    if owner := root.get("Controlled By"):
        kind, _, name = owner.partition("/")
        metadata["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": True}]
    body_spec = spec(root)
    node_name, _, host_ip = root.get("Node").partition("/")
    if node_name:
        body_spec["nodeName"] = node_name
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": body_spec,
        "status": _status(root, host_ip),
    }


def _status(root: text.Node, host_ip: str) -> Json:
    status: Json = {"phase": root.get("Status").split(" ")[0]}
    if status["phase"] == "Terminating":
        status["phase"] = "Running"
    for key, name in (("Reason", "reason"), ("Message", "message"), ("IP", "podIP"), ("QoS Class", "qosClass")):
        if value := root.get(key):
            status[name] = value
    if host_ip:
        status["hostIP"] = host_ip
    if started := text.api_time(text.date_s(root.get("Start Time"))):
        status["startTime"] = started
    status["conditions"] = [
        {"type": row.get("Type", ""), "status": row.get("Status", "")}
        for row in text.block_table(root.child("Conditions"))
    ]
    for heading, name in (("Init Containers", "initContainerStatuses"), ("Containers", "containerStatuses")):
        node = root.child(heading)
        found = [_container_status(one) for one in node.children] if node is not None else []
        found = [one for one in found if one.get("state")]
        if found:
            status[name] = found
    return status


def _container_status(node: text.Node) -> Json:
    out: Json = {
        "name": node.key,
        "image": node.get("Image"),
        "imageID": node.get("Image ID"),
        "containerID": node.get("Container ID"),
        "ready": node.get("Ready") == "True",
        "restartCount": text.whole(node.get("Restart Count")) or 0,
        "state": _state(node.child("State")),
    }
    if last := _state(node.child("Last State")):
        out["lastState"] = last
    if "running" in out["state"]:
        out["started"] = True
    return out


def _state(node: text.Node | None) -> Json:
    if node is None or not node.value:
        return {}
    detail: Json = {}
    for key, name in (("Reason", "reason"), ("Message", "message")):
        if value := node.get(key):
            detail[name] = value
    if (code := text.whole(node.get("Exit Code"))) is not None:
        detail["exitCode"] = code
    for key, name in (("Started", "startedAt"), ("Finished", "finishedAt")):
        if moment := text.api_time(text.date_s(node.get(key))):
            detail[name] = moment
    return {node.value.lower(): detail}


def _containers(node: text.Node | None) -> list[Json]:
    return [] if node is None else [_container(one) for one in node.children if one.key]


def _container(node: text.Node) -> Json:
    out: Json = {"name": node.key, "image": node.get("Image")}
    if ports := _ports(node.get("Port") or node.get("Ports"), node.get("Host Port") or node.get("Host Ports")):
        out["ports"] = ports
    for key, name in (("Command", "command"), ("Args", "args")):
        if lines := node.child(key):
            out[name] = [line.text for line in lines.walk()]
    resources = {}
    for key in ("Limits", "Requests"):
        if found := node.child(key):
            resources[key.lower()] = {line.key: line.value for line in found.children if line.key}
    out["resources"] = resources
    for key, name in (("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")):
        if value := node.get(key):
            out[name] = probe(value)
    if env := _environment(node.child("Environment")):
        out["env"] = env
    if sources := _environment_from(node.child("Environment Variables from")):
        out["envFrom"] = sources
    if mounts := _mounts(node.child("Mounts")):
        out["volumeMounts"] = mounts
    return out


def _ports(listed: str, hosts: str) -> list[Json]:
    ports = []
    host_ports = [text.whole(part.strip()) or 0 for part in hosts.split(",")]
    for index, part in enumerate(filter(None, (part.strip() for part in listed.split(",")))):
        match = re.match(r"(\d+)/(\w+)(?: \((.+)\))?$", part)
        if match is None or match.group(1) == "0":
            continue
        port: Json = {"containerPort": int(match.group(1)), "protocol": match.group(2)}
        if match.group(3):
            port["name"] = match.group(3)
        if index < len(host_ports) and host_ports[index]:
            port["hostPort"] = host_ports[index]
        ports.append(port)
    return ports


_TIMING = re.compile(r"\s*delay=(\S+) timeout=(\S+) period=(\S+) #success=(\d+) #failure=(\d+)\s*$")


def probe(line: str) -> Json:
    """A Probe from `grpc <pod>:9555  delay=5s timeout=1s period=10s #success=1 #failure=3` and its other forms."""
    out: Json = {}
    timing = _TIMING.search(line)
    if timing:
        names = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
        seconds = [int(text.age_s(part) or 0) for part in timing.groups()[:3]]
        out.update(zip(names, [*seconds, int(timing.group(4)), int(timing.group(5))], strict=True))
        line = line[: timing.start()]
    how, _, what = line.strip().partition(" ")
    what = what.strip()
    if how == "exec":
        out["exec"] = {"command": what.strip("[]").split()}
    elif how == "http-get":
        match = re.match(r"(\w+)://([^/:]*):([^/]*)(/.*)?$", what)
        if match:
            out["httpGet"] = {
                "scheme": match.group(1).upper(),
                "port": _port(match.group(3)),
                "path": match.group(4) or "/",
            }
            if match.group(2):
                out["httpGet"]["host"] = match.group(2)
    elif how == "tcp-socket":
        out["tcpSocket"] = {"port": _port(what.rpartition(":")[2])}
    elif how == "grpc":
        port, _, service = what.rpartition(":")[2].partition(" ")
        out["grpc"] = {"port": _port(port), **({"service": service.strip()} if service.strip() else {})}
    return out


def _port(value: str) -> int | str:
    return int(value) if value.isdigit() else value


_KEY_REF = re.compile(r"^<set to the key '([^']+)' (in secret|of config map) '([^']+)'>(?:\s+Optional:\s+(\w+))?")
_FIELD_REF = re.compile(r"^\(([\w/]+):([\w.\[\]'/-]+)\)$")


def _environment(node: text.Node | None) -> list[Json]:
    if node is None:
        return []
    return [_variable(line.key, line.value) for line in node.children if line.key]


def _variable(name: str, value: str) -> Json:
    if match := _KEY_REF.match(value):
        reference: Json = {"name": match.group(3), "key": match.group(1)}
        if match.group(4) == "true":
            reference["optional"] = True
        source = "secretKeyRef" if match.group(2) == "in secret" else "configMapKeyRef"
        return {"name": name, "valueFrom": {source: reference}}
    if match := _FIELD_REF.match(value):
        return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": match.group(1), "fieldPath": match.group(2)}}}
    return {"name": name, "value": value}


def _environment_from(node: text.Node | None) -> list[Json]:
    out = []
    for line in node.children if node is not None else []:
        match = re.match(r"(\S+)\s+(Secret|ConfigMap)\b.*?Optional: (\w+)", line.text)
        if match:
            reference: Json = {"name": match.group(1)}
            if match.group(3) == "true":
                reference["optional"] = True
            out.append({"secretRef" if match.group(2) == "Secret" else "configMapRef": reference})
    return out


def _mounts(node: text.Node | None) -> list[Json]:
    out = []
    for line in node.children if node is not None else []:
        match = re.match(r"(\S+) from (\S+) \((\w+)(?:,path=\"(.*)\")?\)$", line.text)
        if match:
            mount: Json = {"mountPath": match.group(1), "name": match.group(2)}
            if match.group(3) == "ro":
                mount["readOnly"] = True
            if match.group(4):
                mount["subPath"] = match.group(4)
            out.append(mount)
    return out


def _toleration(line: str) -> Json:
    """`key=value:Effect op=Exists for 300s`, any part of which may be missing."""
    out: Json = {}
    if match := re.search(r"\s+for (\d+)s$", line):
        out["tolerationSeconds"] = int(match.group(1))
        line = line[: match.start()]
    if match := re.search(r"\s*op=(\w+)$", line):
        out["operator"] = match.group(1)
        line = line[: match.start()]
    left, colon, effect = line.rpartition(":")
    if colon and re.fullmatch(r"[A-Z]\w+", effect):
        out["effect"] = effect
        line = left
    key, equals, value = line.strip().partition("=")
    if key:
        out["key"] = key
    if equals:
        out["value"] = value
    return out


def _volumes(node: text.Node | None) -> list[Json]:
    return [] if node is None else [_volume(one) for one in node.children if one.key]


def _volume(node: text.Node) -> Json:
    kind = node.get("Type").split(" ")[0]
    optional = {"optional": True} if node.get("Optional") == "true" else {}
    sources: dict[str, tuple[str, Json]] = {
        "PersistentVolumeClaim": ("persistentVolumeClaim", {"claimName": node.get("ClaimName")}),
        "ConfigMap": ("configMap", {"name": node.get("Name"), **optional}),
        "Secret": ("secret", {"secretName": node.get("SecretName"), **optional}),
        "EmptyDir": ("emptyDir", {}),
        "HostPath": ("hostPath", {"path": node.get("Path"), "type": node.get("HostPathType")}),
        "Projected": ("projected", {"sources": _projections(node)}),
        "NFS": ("nfs", {"server": node.get("Server"), "path": node.get("Path")}),
    }
    name, source = sources.get(kind, ("", {}))
    return {"name": node.key, **({name: source} if name else {})}


def _projections(node: text.Node) -> list[Json]:
    out: list[Json] = []
    if seconds := text.whole(node.get("TokenExpirationSeconds")):
        out.append({"serviceAccountToken": {"expirationSeconds": seconds, "path": "token"}})
    if name := node.get("ConfigMapName"):
        out.append({"configMap": {"name": name}})
    if name := node.get("SecretName"):
        out.append({"secret": {"name": name}})
    if node.get("DownwardAPI") == "true":
        out.append({"downwardAPI": {}})
    return out
