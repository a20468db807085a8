"""docs/reference/roles.md is complete: every convention in its order, every role, examples that are what they are said to be."""

import re
from pathlib import Path

from rootward.signals import roles
from rootward.signals.roles import discovery
from rootward.signals.series import MetricInfo

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "roles.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([^|`]+) \| (`[^|]+) \| [^|]+ \|$", TEXT, re.MULTILINE)
LABELS = ("service", "pod", "instance", "job", "client", "server", "server_address", "service_name", "app", "le", "reporter", "destination_workload",
  "source_workload", "deployment", "envoy_cluster_name", "consumergroup", "topic", "queue", "exported_service", "ingress", "messaging_system")  # fmt: skip


def test_every_convention_is_listed_in_the_order_in_which_it_is_asked() -> None:
    assert [name for name, _ in ROWS] == [one.name for one in discovery.conventions()]


def test_every_role_is_listed() -> None:
    assert set(re.findall(r"^\| `([a-z_0-9]+)` \|", TEXT, re.MULTILINE)) == {str(role) for role in roles.Role}


def test_examples_are_known_to_the_convention_that_they_are_given_for() -> None:
    for convention, examples in ROWS:
        for name in re.findall(r"`([a-z_A-Z0-9]+)`", examples.split(";")[0]):
            (family,) = discovery.family.gather(
                [MetricInfo(name, labels=dict.fromkeys(LABELS[:-1], ("x",)) | {"le": ()})]
            ).values()
            known = next(
                one.name
                for one in discovery.conventions()
                if any(p.name != ".*" and re.fullmatch(p.name, family.name) for p in one.patterns)
                or one.name == "words of the name"
            )
            assert known == convention, name
