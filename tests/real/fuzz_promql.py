"""Coverage-guided fuzzing of PromQL's parser and engine and of the face's parameters, with Google's atheris.

    python tests/real/fuzz_promql.py [-runs=100000] [-seed=1] [-max_total_time=60]

Options are libFuzzer's. Whatever comes in is answered or refused by an error of ours: everything else, a request that takes
longer than its budget, and memory beyond 2 GB are crashes.
"""

import asyncio
import sys

import atheris

with atheris.instrument_imports(
    include=["rootward.dojo.engines", "rootward.dojo.wire._prometheus_json", "rootward.dojo.wire._prometheus_read"]
):
    from rootward.dojo.engines.promql import engine, options, printing, syntax
    from rootward.dojo.wire import prometheus

import httpx2
import numpy as np

from rootward import _clock, errors
from rootward.dojo.capsule import telemetry

NOW_S = 1_700_000_600.0
SCRAPS = (
    "m", "m_total", "{", "}", "(", ")", "[", "]", ",", "=", "!=", "=~", "!~", '"', "'", "`", "\\", " ", "\n", "#", ":", "@", "5m", "1h", "0s",
    "1y", "1", "0x1", "1e300", "-", "+", "*", "/", "%", "^", "==", "<", "bool", "and", "or", "unless", "atan2", "on", "ignoring", "group_left",
    "group_right", "by", "without", "offset", "start()", "end()", "sum", "topk", "quantile", "count_values", "rate", "max_over_time",
    "histogram_quantile", "label_replace", "label_join", "absent", "vector", "scalar", "time()", "pod", "le", ".*", "(a+)+", "$1", "\ud800", "é",
)  # fmt: skip


def metrics() -> telemetry.Metrics:
    times_s = NOW_S - 600 + np.arange(0, 615, 15.0)
    labels = tuple(
        {"__name__": name, "pod": f"p{pod}", "le": le}
        for name in ("m", "m_total")
        for pod in range(2)
        for le in ("1", "+Inf")
    )
    return telemetry.Metrics(
        (telemetry.MetricBlock(times_s, np.arange(8.0)[:, None] + np.arange(len(times_s)), labels),)
    )


METRICS = metrics()
SETTINGS = options.Options(experimental=False, limits=options.Limits(work=5_000_000, samples=200_000))
ENGINES = (engine.Engine(METRICS, SETTINGS), engine.Engine(METRICS, options.Options(limits=SETTINGS.limits)))
FACE = prometheus.app(telemetry.Telemetry("fuzz", NOW_S - 600, NOW_S, NOW_S, METRICS), _clock.VirtualClock(NOW_S))


def text(data: atheris.FuzzedDataProvider) -> str:
    if data.ConsumeBool():
        return data.ConsumeUnicode(60)
    return "".join(SCRAPS[data.ConsumeIntInRange(0, len(SCRAPS) - 1)] for _ in range(data.ConsumeIntInRange(1, 40)))


def evaluate(data: atheris.FuzzedDataProvider) -> None:
    promql, query = ENGINES[data.ConsumeBool()], text(data)
    try:
        node = syntax.parse(query, promql.settings)
        assert printing.line(syntax.parse(printing.line(node), promql.settings)) == printing.line(node)
        promql.formatted(query)
        if data.ConsumeBool():
            promql.instant(query, NOW_S)
        else:
            promql.range(query, NOW_S - 300, NOW_S, 60)
    except errors.EngineError:
        return


async def request(data: atheris.FuzzedDataProvider) -> None:
    path = ("query", "query_range", "series", "labels", "rules", "read", "query_exemplars")[
        data.ConsumeIntInRange(0, 6)
    ]
    fields = {
        name: text(data)
        for name in ("query", "match[]", "start", "end", "step", "time", "limit", "timeout")[
            : data.ConsumeIntInRange(0, 8)
        ]
    }
    fields = {name: value.encode(errors="replace").decode() for name, value in fields.items()}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(FACE), base_url="http://prometheus") as client:
        if path == "read":
            reply = await client.post("/api/v1/read", content=data.ConsumeBytes(200))
        else:
            reply = await client.get(f"/api/v1/{path}", params=fields)
    assert reply.status_code in (200, 400, 404, 422, 503), reply.text


def one(raw: bytes) -> None:
    data = atheris.FuzzedDataProvider(raw)
    if data.ConsumeIntInRange(0, 7):
        evaluate(data)
    else:
        asyncio.run(request(data))


if __name__ == "__main__":
    atheris.Setup([*sys.argv, "-timeout=20", "-rss_limit_mb=2048", "-len_control=0", "-max_len=300"], one)
    atheris.Fuzz()
