"""The scraped side of production: what its targets expose now, for a Prometheus of one's own.

`/targets` lists them as HTTP service discovery does; each page is `/metrics` with the target's job and instance. Without them it
is one page of everything, for a scrape with `honor_labels`. OpenMetrics, with exemplars, where the Accept header asks for it.
"""

from starlette import applications, responses

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.promql import engine, options
from rootward.dojo.wire import _http, _prometheus_exemplars, _prometheus_targets, _prometheus_text

_PAGE = "/metrics"


def app(telemetry: records.Telemetry, clock: _clock.Clock) -> applications.Starlette:
    """The pages over `telemetry.metrics`; nothing after `clock.now_s()` is ever shown."""
    face = _Face(telemetry, clock)
    routes = [
        _http.route(_PAGE, face.page, refuse),
        _http.route("/targets", face.targets, refuse),
    ]
    return _http.application(routes, refuse)


def refuse(error: _http.Refused) -> responses.Response:
    """Go's plain text."""
    text = "404 page not found" if error.status == 404 else error.message
    return responses.PlainTextResponse(f"{text}\n", error.status)


class _Face:
    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock) -> None:
        self._meta = telemetry.metrics.meta
        self._clock = clock
        self._engine = engine.Engine(telemetry.metrics, options.Options(experimental=False))
        self._scraped = _prometheus_targets.Scraped(self._engine)
        self._exemplars = _prometheus_exemplars.Exemplars(telemetry, self._engine.lookups)

    def targets(self, call: _http.Call) -> responses.Response:
        """Every target that is part of the configuration now, up or not."""
        _, _, rest = call.base.partition("://")
        address, slash, mounted = rest.partition("/")
        shown = [
            {
                "targets": [address],
                "labels": {
                    "__metrics_path__": f"{slash}{mounted}{_PAGE}",
                    "__param_job": one.job,
                    "__param_instance": one.instance,
                    **one.labels,
                },
            }
            for one in self._scraped.at(self._clock.now_s())
        ]
        return _http.answer(shown)

    def page(self, call: _http.Call) -> responses.Response:
        job, instance = call.get("job"), call.get("instance")
        now_s = self._clock.now_s()
        without: dict[str, str] = {}
        selectors: list[str] = []
        if job or instance:
            target = next((one for one in self._scraped.at(now_s) if (one.job, one.instance) == (job, instance)), None)
            if target is None:
                raise _http.Refused(404, "404 page not found")
            if target.up != 1:
                raise _http.Refused(503, "Service Unavailable")
            without = dict(target.labels)
            selectors = [f"{{job={_prometheus_text.quoted(job)},instance={_prometheus_text.quoted(instance)}}}"]
        found = [
            one
            for one in self._engine.lookups.current(selectors, now_s)
            if dict(one.labels)["__name__"] not in _prometheus_targets.OWN
        ]
        open_metrics = "application/openmetrics-text" in call.headers.get("accept", "")
        families = _prometheus_text.families(
            found,
            self._meta,
            without=without,
            exemplar_of=lambda labels: self._exemplars.newest(labels, now_s) if open_metrics else None,
        )
        if open_metrics:
            return responses.Response(_prometheus_text.open_metrics(families), media_type=_prometheus_text.OPEN_TYPE)
        return responses.Response(_prometheus_text.plain(families), media_type=_prometheus_text.PLAIN_TYPE)
