"""Alerts from every sender become the same record; what is no alert is refused with what was expected."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rootward import errors
from rootward.apps import wiring
from rootward.connectors.alertmanager import webhook as alertmanager
from rootward.signals import alert_json, alert_labels, alerts
from rootward.signals.entities import Entity, EntityKind

START = "2026-03-04T10:15:00.123456789Z"
START_S = 1772619300.123456
ALERT = {
    "status": "firing",
    "labels": {"alertname": "CheckoutErrors", "severity": "page", "service": "checkout", "namespace": "shop"},
    "annotations": {"summary": "5% of checkouts fail", "description": "since a while"},
    "startsAt": START,
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "http://prometheus:9090/graph?g0.expr=rate%28http_errors_total%5B5m%5D%29+%3E+0.05&g0.tab=1",
    "fingerprint": "abc",
}
WEBHOOK = {
    "version": "4",
    "status": "firing",
    "receiver": "rootward",
    "commonLabels": {"team": "shop"},
    "commonAnnotations": {},
    "alerts": [ALERT],
}
INCIDENT = {
    "id": "Q1",
    "type": "incident",
    "title": "Checkout fails",
    "created_at": "2026-03-04T10:15:00Z",
    "status": "triggered",
    "urgency": "high",
    "service": {"summary": "checkout", "type": "service_reference"},
    "html_url": "https://acme.pagerduty.com/incidents/Q1",
    "body": {"details": {"alertname": "CheckoutErrors", "namespace": "shop", "firing": "Labels:\n - a = b"}},
}
V3 = {"event": {"id": "1", "event_type": "incident.triggered", "occurred_at": START, "data": INCIDENT}}
OWN = {
    "name": "CheckoutErrors",
    "starts_at": START,
    "entity": {"kind": "service", "name": "checkout"},
    "expr": "up < 1",
}


def test_alertmanager_webhook() -> None:
    alert = alertmanager.parse(WEBHOOK)[0]
    assert alert.name == "CheckoutErrors"
    assert alert.starts_at_s == pytest.approx(START_S, abs=1e-6)
    assert alert.ends_at_s is None
    assert alert.entity == Entity(EntityKind.SERVICE, "checkout", "shop")
    assert (alert.metric, alert.threshold) == ("http_errors_total", 0.05)
    assert alert.expr == "rate(http_errors_total[5m]) > 0.05"
    assert (alert.severity, alert.summary, alert.labels["team"]) == ("page", "5% of checkouts fail", "shop")


def test_firing_alerts_come_before_resolved_ones() -> None:
    resolved = {**ALERT, "status": "resolved", "endsAt": "2026-03-04T10:20:00Z", "labels": {"alertname": "Old"}}
    found = alertmanager.parse({**WEBHOOK, "alerts": [resolved, ALERT]})
    assert [one.name for one in found] == ["CheckoutErrors", "Old"]
    assert found[1].ends_at_s == pytest.approx(1772619600.0)


def test_pagerduty_webhook() -> None:
    alert = wiring.read_alert(V3)
    assert alert.name == "CheckoutErrors"
    assert alert.entity == Entity(EntityKind.SERVICE, "checkout", "shop")
    assert "firing" not in alert.labels
    assert alert.starts_at_s == pytest.approx(1772619300.0)
    assert wiring.read_alert({"incident": INCIDENT}) == alert == wiring.read_alert({**INCIDENT, "incident_number": 3})


@pytest.mark.parametrize("payload", [WEBHOOK, ALERT, [ALERT], V3, OWN, [OWN]])
def test_every_format_is_recognised(payload: Any) -> None:
    alert = wiring.read_alert(payload)
    assert isinstance(alert, alerts.Alert)
    assert alert.name == "CheckoutErrors"


def test_own_json_keeps_its_fields() -> None:
    alert = alert_json.parse({**OWN, "threshold": 3, "labels": {"password": "x"}, "ends_at": 1772619400})[0]
    assert alert.entity == Entity(EntityKind.SERVICE, "checkout")
    assert (alert.threshold, alert.ends_at_s, alert.metric) == (3.0, 1772619400.0, "")
    assert alert.labels == {"password": "[redacted]"}


REFUSED: list[tuple[Any, str]] = [
    (None, "Alertmanager's webhook"),
    ([], "no alert"),
    ("alert", "starts_at"),
    ({}, "name"),
    ({"name": "x"}, "starts_at is a time such as"),
    ({**OWN, "starts_at": "yesterday"}, "starts_at is a time such as"),
    ({**OWN, "starts_at": 1772619300123}, "milliseconds"),
    ({**OWN, "starts_at": "2026-13-45T99:00:00Z"}, "starts_at"),
    ({**OWN, "starts_at": True}, "starts_at"),
    ({**OWN, "entity": {"kind": "planet", "name": "x"}}, "service"),
    ({**OWN, "threshold": "5"}, "threshold is a number"),
    ({**OWN, "labels": {"a": 1}}, "labels"),
    ({**OWN, "service": "x"}, "no field 'service'"),
    ({"alerts": []}, "at least one"),
    ({"alerts": {}}, "list of alerts"),
    ({"alerts": [3]}, "an alert is an object"),
    ({"alerts": [{**ALERT, "labels": {}}]}, "alertname"),
    ({"alerts": [{**ALERT, "startsAt": "nonsense"}]}, "startsAt"),
    ({"alerts": [{**ALERT, "startsAt": "0001-01-01T00:00:00Z"}]}, "startsAt"),
    ({"alerts": [{**ALERT, "labels": ["a"]}]}, "labels"),
    ({"event": {"event_type": "service.updated", "data": INCIDENT}}, "incident"),
    ({"event": {"event_type": "incident.triggered"}}, "event.data"),
    ({"incident": {**INCIDENT, "title": ""}}, "title"),
    ({"incident": {**INCIDENT, "created_at": None}}, "created_at"),
]


@pytest.mark.parametrize(("payload", "said"), REFUSED)
def test_what_is_no_alert_is_refused_with_what_was_expected(payload: Any, said: str) -> None:
    with pytest.raises(errors.AlertError) as caught:
        wiring.read_alert(payload)
    assert said in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(data=st.data(), value=JSON)
def test_one_lie_in_a_payload_gives_an_alert_or_an_alert_error(data: st.DataObject, value: Any) -> None:
    payload = copy.deepcopy(data.draw(st.sampled_from([WEBHOOK, V3, OWN])))
    place: Any = payload
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            place[key] = value
            break
        place = place[key]
    try:
        alert = wiring.read_alert(payload)
    except errors.AlertError:
        return
    assert alert.starts_at_s > 0


LABELS: list[tuple[dict[str, str], Entity | None]] = [
    ({"service": "cart", "pod": "cart-1"}, Entity(EntityKind.SERVICE, "cart")),
    ({"job": "node-exporter", "instance": "10.0.0.1:9100"}, Entity(EntityKind.NODE, "10.0.0.1")),
    (
        {"job": "kube-state-metrics", "deployment": "cart", "namespace": "shop"},
        Entity(EntityKind.WORKLOAD, "cart", "shop"),
    ),
    ({"job": "kubelet", "pod": "cart-1", "namespace": "shop"}, Entity(EntityKind.POD, "cart-1", "shop")),
    ({"job": "checkout", "instance": "10.0.0.1:8080"}, Entity(EntityKind.SERVICE, "checkout")),
    ({"node": "node-3", "namespace": "shop"}, Entity(EntityKind.NODE, "node-3")),
    ({"datname": "orders"}, Entity(EntityKind.DATABASE, "orders")),
    ({"queue": "mails"}, Entity(EntityKind.QUEUE, "mails")),
    ({"namespace": "shop"}, Entity(EntityKind.NAMESPACE, "shop")),
    ({"severity": "page"}, None),
]


@pytest.mark.parametrize(("labels", "entity"), LABELS)
def test_the_entity_that_labels_tell(labels: dict[str, str], entity: Entity | None) -> None:
    assert alert_labels.entity(labels) == entity


METRICS = [
    ('sum by (service_name) (rate(http_requests_total{code=~"5.."}[5m])) > 0.05', "http_requests_total", 0.05),
    ("histogram_quantile(0.99, sum by (le) (rate(latency_bucket[5m]))) >= 2", "latency_bucket", 2.0),
    ("up == 0", "", 0.0),
    ('up{job="web"} == 0', "up", 0.0),
    ("avg_over_time(queue_depth[10m]) > 1e3", "queue_depth", 1000.0),
    ("absent(up)", "", None),
    ("", "", None),
]


@pytest.mark.parametrize(("expr", "metric", "threshold"), METRICS)
def test_the_metric_and_threshold_that_an_expression_tells(expr: str, metric: str, threshold: float | None) -> None:
    assert alert_labels.metric({}, {}, expr) == metric
    assert alert_labels.threshold(expr) == threshold
