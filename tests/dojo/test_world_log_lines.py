"""What ordinary log lines are like: layouts carry the words whole, failures of any day are rare, requests write in bursts, stores keep house."""

import functools
import json
import re

import numpy as np
import pytest

from rootward import _rng
from rootward.dojo import world
from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import log_formats, log_layouts, log_words
from rootward.signals import log_text

EVERY = [(language, k) for language, layouts in log_layouts.LAYOUTS.items() for k in range(len(layouts))]
LEVELS = {"info": log_text.Severity.INFO, "warn": log_text.Severity.WARNING, "error": log_text.Severity.ERROR}
TEXT = 'dial "ledger" failed: no route'


@functools.cache
def built(seed: int) -> tuple[tm.Logs, float]:
    scenario, truth = world.build("web-shop", "third_party_slow", seed, hours=3)
    logs, onset_s = scenario.telemetry.logs, truth.causes[0].onset_s
    assert logs is not None
    assert onset_s is not None
    return logs, onset_s


@pytest.mark.parametrize(("language", "place"), EVERY)
def test_a_layout_says_level_and_words_as_its_readers_expect_them(language: str, place: int) -> None:
    write = log_layouts.LAYOUTS[language][place]
    for level, severity in LEVELS.items():
        line = write(1_770_000_000.25, level, "order-history", TEXT, "0123456789abcdef" * 2)
        assert log_text.severity(line) is severity, line
        assert line.endswith(TEXT) or json.dumps(TEXT) in line
        if line.startswith("{"):
            assert TEXT in json.loads(line).values()


@pytest.mark.parametrize(("language", "place"), EVERY)
def test_a_stack_is_a_field_of_json_and_further_lines_of_text(language: str, place: int) -> None:
    write = log_layouts.LAYOUTS[language][place]
    line = write(1_770_000_000.25, "error", "cart", TEXT, "0123456789abcdef" * 2)
    told = log_layouts.with_stack(line, "Caused by: x\n\tat y")
    if line.startswith("{"):
        assert json.loads(told)["stack"] == "Caused by: x\n\tat y"
    else:
        assert told.split("\n") == [line, "Caused by: x", "\tat y"]


def test_before_trouble_few_lines_are_errors() -> None:
    bad = total = 0
    for seed in range(4):
        logs, onset_s = built(seed)
        early = [line for at, line in zip(logs.times_ns, logs.lines, strict=True) if at / 1e9 < onset_s - 300]
        bad += sum(log_text.severity(line) >= log_text.Severity.ERROR for line in early)
        total += len(early)
    assert 0 < bad / total < 0.08


def test_requests_write_several_lines_at_a_time() -> None:
    """Burstiness after Goh and Barabási: 0 for lines that come by themselves."""
    found = []
    for seed in range(4):
        logs, _ = built(seed)
        for stream, labels in enumerate(logs.streams):
            waits = np.diff(logs.times_ns[logs.stream == stream] / 1e9)
            if labels["app"] in ("orders", "checkout", "storefront") and len(waits) > 60:
                found.append((waits.std() - waits.mean()) / (waits.std() + waits.mean()))
    assert np.median(found) > 0.3


def test_stores_write_of_checkpoints_and_snapshots_in_full_rounds() -> None:
    logs, _ = built(0)
    starts = sum("checkpoint starting: time" in line for line in logs.lines)
    ends = sum("checkpoint complete: wrote" in line for line in logs.lines)
    assert starts == ends > 5
    sync = {found[0] for line in logs.lines if (found := re.findall(r"wrote (\d+) buffers", line))}
    assert len(sync) > 5


@pytest.mark.parametrize("language", ["java", "python", "go"])
def test_printed_objects_have_a_long_tail_and_their_languages_form(language: str) -> None:
    component = bp.Component(name="price-list-api", language=language)
    lengths = []
    for seed in range(12):
        said = log_words.words(component, 1.0, _rng.stream(seed, "words"))
        assert all("{object}" in step for step in said.steps)
        lengths += [len(text) for text in said.objects]
        for text in said.objects:
            assert isinstance(json.loads(text), dict) if language == "go" else text.startswith("PriceList(")
    assert max(lengths) > 6 * np.median(lengths)


def test_who_prints_nothing_has_no_objects() -> None:
    said = log_words.words(bp.Component(name="cart"), 0.0, _rng.stream(1, "words"))
    assert said.objects == ("",)
    assert len(set(said.steps)) == len(said.steps)


@pytest.mark.parametrize("level", ["debug", "info", "warn", "error"])
def test_every_format_and_layout_writes_every_level(level: str) -> None:
    written = [*log_formats.FORMATS.values(), *(one for many in log_layouts.LAYOUTS.values() for one in many)]
    assert all(write(1.7e9, level, "cart", "cache miss", "0f" * 16) for write in written)
