"""Questions about the series themselves: which there are, their labels, their newest samples for another Prometheus."""

from collections.abc import Sequence

from starlette import responses

from rootward import _clock, errors
from rootward.dojo.engines.promql import engine, lookups, tree, values
from rootward.dojo.wire import _http, _prometheus_exemplars, _prometheus_json, _prometheus_text

_SINCE_EVER_S = -1e12


class SeriesFace:
    """Handlers of /series, /labels, /label/<name>/values, /query_exemplars and /federate."""

    def __init__(self, clock: _clock.Clock, promql: engine.Engine, exemplars: _prometheus_exemplars.Exemplars) -> None:
        self._clock = clock
        self._engine = promql
        self._exemplars = exemplars

    def _window(self, call: _http.Call) -> tuple[float, float]:
        """start and end, since ever until now by default; seconds."""
        now_s = self._clock.now_s()
        start_s = _prometheus_json.time_s(call.get("start"), "start") if call.get("start") else _SINCE_EVER_S
        end_s = _prometheus_json.time_s(call.get("end"), "end") if call.get("end") else now_s
        return start_s, min(end_s, now_s)

    def _matching(self, call: _http.Call) -> list[values.LabelSet]:
        """Series in the window that any `match[]` means, or all; in order of labels."""
        start_s, end_s = self._window(call)
        return self._engine.lookups.series(call.all("match[]"), start_s, end_s)

    def series(self, call: _http.Call) -> responses.Response:
        if not call.all("match[]"):
            raise _http.Refused(400, "no match[] parameter provided")
        return _prometheus_json.limited([dict(labels) for labels in self._matching(call)], call)

    def labels(self, call: _http.Call) -> responses.Response:
        names = {name for labels in self._matching(call) for name, _ in labels}
        return _prometheus_json.limited(sorted(names), call)

    def label_values(self, call: _http.Call) -> responses.Response:
        wanted = call.path["name"]
        found = {value for labels in self._matching(call) for name, value in labels if name == wanted}
        return _prometheus_json.limited(sorted(found), call)

    def query_exemplars(self, call: _http.Call) -> responses.Response:
        """Exemplars of the series that the query's selectors mean."""
        start_s, end_s = self._window(call)
        if call.get("start") and call.get("end") and _prometheus_json.time_s(call.get("end"), "end") < start_s:
            raise _http.Refused(400, 'invalid parameter "end": end timestamp must not be before start timestamp')
        node = self._engine.parse(call.get("query"))
        selectors = [one for one in tree.walk(node) if isinstance(one, tree.Selector)]
        found = self._exemplars.of(self._engine.lookups.meant(selectors), start_s, end_s)
        shown = [
            {
                "seriesLabels": dict(one.labels),
                "exemplars": [
                    {
                        "labels": dict(some.labels),
                        "value": _prometheus_json.number(some.value),
                        "timestamp": some.time_s,
                    }
                    for some in one.exemplars
                ],
            }
            for one in found
        ]
        return _prometheus_json.answer(shown)

    def federate(self, call: _http.Call) -> responses.Response:
        """The newest samples of the selected series in the text format, with their own times."""
        now_s = self._clock.now_s()
        try:
            wanted = call.all("match[]")
            newest = self._engine.lookups.current(wanted, now_s) if wanted else []
        except errors.EngineError as error:
            return responses.PlainTextResponse(f"{error}\n", 400)
        return responses.PlainTextResponse(_federated(newest), media_type=_prometheus_text.PLAIN_TYPE)


def _federated(newest: Sequence[lookups.Current]) -> str:
    """Names in order; a series without an instance gets an empty one, so that the scraper does not put its own there."""
    lines, before = [], ""
    for one in sorted(newest, key=lambda one: (values.name_of(one.labels), one.labels)):
        name = values.name_of(one.labels)
        if name != before:
            lines.append(f"# TYPE {name} untyped\n")
            before = name
        labels = tuple(pair for pair in one.labels if pair[0] != values.NAME)
        if "instance" not in dict(labels):
            labels = (*labels, ("instance", ""))
        shown = _prometheus_text.labels_text(labels)
        lines.append(f"{name}{shown} {_prometheus_json.number(one.value)} {one.time_ms}\n")
    return "".join(lines)
