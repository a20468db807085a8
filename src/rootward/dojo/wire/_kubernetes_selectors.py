"""Label and field selectors as an API server reads them (apimachinery, pkg/labels and pkg/fields)."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rootward.dojo.wire import _http, _kubernetes_resources

LabelTest = Callable[[Mapping[str, str]], bool]
BodyTest = Callable[[Mapping[str, Any]], bool]

_REQUIREMENT = re.compile(
    r"""\s*(?:(?P<absent>!)\s*(?P<gone>[\w./-]+)
    |(?P<key>[\w./-]+)\s*(?:(?P<set>\s(?:in|notin))\s*\((?P<values>[^()]*)\)|(?P<op>==|!=|=|>|<)\s*(?P<value>[\w.-]*))?)\s*(?:,|$)""",
    re.VERBOSE,
)
_COMMON = ("metadata.name", "metadata.namespace")
_FIELDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "Pod"): (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    ("", "Node"): ("spec.unschedulable",),
    ("", "Namespace"): ("status.phase",),
    ("", "Secret"): ("type",),
    ("", "Service"): ("spec.clusterIP", "spec.type"),
    ("", "Event"): (
        *(
            f"involvedObject.{name}"
            for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
        ),
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    ("events.k8s.io", "Event"): (
        *(
            f"regarding.{name}"
            for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
        ),
        "reason",
        "reportingController",
        "type",
    ),
    ("apps", "ReplicaSet"): ("status.replicas",),
    ("batch", "Job"): ("status.successful",),
}


def labels_test(text: str) -> LabelTest | None:
    """A test of an object's labels, None when everything passes.

    Raises:
        _http.Refused: the text is not a selector (400, BadRequest).
    """
    tests: list[LabelTest] = []
    at = 0
    while at < len(text):
        found = _REQUIREMENT.match(text, at)
        if found is None or found.end() == at:
            raise _http.Refused(
                400, f'unable to parse requirement: found "{text[at:]}", expected: identifier', reason="BadRequest"
            )
        tests.append(_requirement(found))
        at = found.end()
    return (lambda labels: all(test(labels) for test in tests)) if tests else None


def _requirement(found: re.Match[str]) -> LabelTest:
    if found["absent"]:
        gone = found["gone"]
        return lambda labels: gone not in labels
    key = found["key"]
    if found["set"]:
        values = {value.strip() for value in found["values"].split(",")}
        if found["set"].strip() == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    value = found["value"]
    match found["op"]:
        case None:
            return lambda labels: key in labels
        case "=" | "==":
            return lambda labels: labels.get(key) == value
        case "!=":
            return lambda labels: labels.get(key) != value
    if not re.fullmatch(r"-?\d+", value):
        raise _http.Refused(400, "for 'Gt', 'Lt' operators, the value must be an integer", reason="BadRequest")
    limit, wants_more = int(value), found["op"] == ">"
    return lambda labels: (
        (number := _integer(labels.get(key))) is not None and (number > limit if wants_more else number < limit)
    )


def _integer(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"-?\d+", text) else None


def fields_test(text: str, resource: _kubernetes_resources.Resource) -> BodyTest | None:
    """A test of an object's body, None when everything passes.

    Raises:
        _http.Refused: not a selector, or a field that this kind cannot be selected by (400, BadRequest).
    """
    tests: list[tuple[Sequence[str], str, bool]] = []
    for term in filter(None, text.split(",")):
        found = re.fullmatch(r"\s*([\w.\[\]-]+)\s*(==|!=|=)(.*)", term)
        if found is None:
            raise _http.Refused(400, f"invalid field selector: {text}; can't understand '{term}'", reason="BadRequest")
        field, op, value = found.groups()
        if field not in (*_COMMON, *_FIELDS.get((resource.group, resource.kind), ())):
            where = f"{resource.api_version}, Resource={resource.plural}"
            message = f'Unable to find "{where}" that match label selector "", field selector "{text}": field label not supported: {field}'
            raise _http.Refused(400, message, reason="BadRequest")
        tests.append((field.split("."), value.strip(), op != "!="))
    if not tests:
        return None
    return lambda body: all((_at(body, path) == value) == wanted for path, value, wanted in tests)


def _at(body: Any, path: Sequence[str]) -> str:
    for step in path:
        body = body.get(step) if isinstance(body, Mapping) else None
    if isinstance(body, Mapping):  # `source` selects the reporting component
        body = body.get("component")
    if isinstance(body, bool):
        return "true" if body else "false"
    return "" if body is None else str(body)
