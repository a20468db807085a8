"""Frame: which windows an alert leads to."""

import dataclasses

import hypothesis
import hypothesis.strategies as st

from rootward.investigator import frame as framing
from rootward.investigator import options
from rootward.signals import alerts, entities

CHOSEN = options.Options()
ALERT = alerts.Alert("HighLatency", starts_at_s=10_000_000.0, labels={"namespace": "shop"})


def test_the_focus_starts_before_the_alert_and_ends_now() -> None:
    frame = framing.frame(ALERT, now_s=10_000_300.0, chosen=CHOSEN)
    assert frame.focus.start_s == ALERT.starts_at_s - CHOSEN.lead_s
    assert frame.focus.end_s == 10_000_300.0
    assert frame.contiguous
    assert frame.baseline.length_s == CHOSEN.history_s
    assert frame.namespace == "shop"


def test_an_alert_that_ended_long_ago_is_looked_at_as_of_then() -> None:
    ended = dataclasses.replace(ALERT, ends_at_s=10_000_600.0)
    frame = framing.frame(ended, now_s=20_000_000.0, chosen=CHOSEN)
    assert frame.focus.end_s == 10_000_600.0 + framing.AFTER_END_S


def test_the_namespace_may_come_from_the_entity() -> None:
    entity = entities.Entity(entities.EntityKind.SERVICE, "cart", "prod")
    alert = dataclasses.replace(ALERT, labels={}, entity=entity)
    assert framing.frame(alert, now_s=10_000_300.0, chosen=CHOSEN).namespace == "prod"


@hypothesis.given(st.floats(0, 2e9), st.floats(-1e6, 1e6), st.one_of(st.none(), st.floats(0, 2e9)))
def test_windows_are_never_empty_whatever_the_clocks_say(starts_s: float, skew_s: float, ends_s: float | None) -> None:
    alert = dataclasses.replace(ALERT, starts_at_s=starts_s, ends_at_s=ends_s)
    frame = framing.frame(alert, now_s=starts_s + skew_s, chosen=CHOSEN)
    assert frame.focus.length_s >= framing.FOCUS_MIN_S - 1e-3
    assert frame.baseline.end_s <= frame.focus.start_s
