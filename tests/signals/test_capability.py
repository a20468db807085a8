"""The doctor's questions: a real sample, or the reason why there is none."""

import asyncio

import fake_metrics as fake
import numpy as np

from rootward.signals import alerts, answers, entities, protocols, questions, records

Kind = entities.EntityKind
Outcome = answers.Outcome


class Fixed:
    """Answers every question of one kind of source with what it was given."""

    def __init__(self, name: str, **values: object) -> None:
        self.name = name
        self._values = values

    def holds(self, _kind: str) -> bool:
        return True

    def __getattr__(self, question: str):
        async def answer(*_args: object, **_kwargs: object):
            value = self._values.get(question)
            if isinstance(value, Outcome):
                return answers.Answer(value, self.name, question, error=f"{question} said {value}")
            if not value:
                return answers.Answer(Outcome.NO_DATA, self.name, question)
            return answers.Answer(Outcome.OK, self.name, question, value=value)

        return answer


def ask(**sources: object) -> dict[str, questions.Capability]:
    given = protocols.Sources(**{kind: (source,) for kind, source in sources.items()})
    return {one.question: one for one in asyncio.run(questions.capabilities(given, fake.WINDOW))}


def test_metrics_show_a_value_of_an_entity_with_its_query() -> None:
    rows = [("http_requests_total", {"service": "cart", "code": "200"}, fake.TIMES, fake.counter(4))]
    found = ask(metrics=fake.FakeMetrics(rows))
    assert found["request rate"].sample == "service/cart: 4 request/s (http_requests_total)"
    assert found["request rate"].query == "rate(http_requests_total)"
    assert found["errors"].outcome is Outcome.OK
    assert found["saturation"].outcome is Outcome.NO_DATA
    assert "none of its 1 metrics" in found["saturation"].error


def test_a_metric_without_data_does_not_hide_another() -> None:
    rows = [
        ("process_cpu_seconds_total", {"service": "cart"}, fake.TIMES, np.full_like(fake.TIMES, np.nan)),
        ("process_resident_memory_bytes", {"service": "cart"}, fake.TIMES, fake.flat(7.0)),
    ]
    assert "service/cart: 7 B" in ask(metrics=fake.FakeMetrics(rows))["saturation"].sample


def test_why_not_is_said_in_the_back_end_s_words() -> None:
    found = ask(metrics=Fixed("m", catalogue=Outcome.NOT_PERMITTED), changes=Fixed("c", changes=Outcome.FAILED))
    assert {found[name].outcome for name in ("request rate", "errors", "duration", "saturation")} == {
        Outcome.NOT_PERMITTED
    }
    assert found["what changed"].outcome is Outcome.FAILED
    assert found["what changed"].error == "changes said failed"


def test_every_kind_of_source_shows_a_sample() -> None:
    batch = records.LogBatch(np.arange(2.0), ["order 1 done", "order 2 done"], [0, 0], [{"app": "cart"}])
    spans = records.SpanBatch(
        ["t", "t"], ["1", "2"], ["", "1"], ["web", "cart"], ["", ""], ["GET /", "get"], ["server", "server"],
        np.zeros(2), np.array([0.5, 0.1]), [False, False], [{}, {}],
    )  # fmt: skip
    cart = entities.Entity(Kind.POD, "cart-0")
    found = ask(
        logs=Fixed("l", streams=[{"app": "cart"}], lines=batch),
        traces=Fixed("t", services=["web"], search=spans),
        clusters=Fixed(
            "k",
            objects=[records.ClusterObject("Pod", "cart-0", "shop", {})],
            events=[records.Event(1.0, cart, "Killing", "stopping")],
        ),
        changes=Fixed("c", changes=[records.Change(records.ChangeKind.DEPLOY, 1.0, "cart v2")]),
        messages=Fixed("s", messages=[records.Message(1.0, "#ops", "ann", "looking")]),
        alerts=Fixed("a", alerts=[alerts.Alert("CartDown", 1.0)]),
    )
    assert {name: one.sample for name, one in found.items()} == {
        "log lines": "2 lines, the last: order 2 done",
        "new log templates": "1 templates in 2 lines, one: order <n> done",
        "who calls whom": "web → cart",
        "duration": "web GET /: 500 ms",
        "cluster objects": "1 pods, one: shop/cart-0",
        "events": "pod/cart-0 Killing: stopping",
        "what changed": "deploy: cart v2",
        "messages": "#ops: looking",
        "alerts": "CartDown",
    }


def test_long_samples_are_cut_to_a_line() -> None:
    batch = records.LogBatch(np.arange(1.0), ["a\nb " * 500], [0], [{"app": "cart"}])
    sample = ask(logs=Fixed("l", streams=[{"app": "cart"}], lines=batch))["log lines"].sample
    assert len(sample) <= 160
    assert "\n" not in sample


def test_a_source_that_hangs_is_named() -> None:
    class Hanging(Fixed):
        def __getattr__(self, question: str):
            async def never(*_args: object, **_kwargs: object) -> None:
                await asyncio.sleep(3600)

            return never

    async def run():
        given = protocols.Sources(changes=(Hanging("slow"),))
        return await questions.capabilities(given, fake.WINDOW, deadline_s=0.01)

    (found,) = asyncio.run(run())
    assert (found.source, found.outcome) == ("slow", Outcome.FAILED)
