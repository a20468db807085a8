"""Objects, events and container logs from a Kubernetes API server.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

import difflib
import functools
from collections.abc import Sequence
from typing import Any

from rootward import errors
from rootward.connectors import _http, _json, _reads, _source
from rootward.connectors.kubernetes import kinds, reading
from rootward.signals import answers, protocols, records, redaction, windows

PAGE_OBJECTS = 500
_NONE_SUCH = frozenset({404})


class KubernetesSource(_source.HttpSource):
    """Fulfils `protocols.ClusterSource`. `namespaces` limits questions about all namespaces to these (() asks the cluster)."""

    READS = _reads.Reads(
        (
            "GET /version",
            "GET /api/v1/{}",
            "GET /api/v1/namespaces/{}/{}",
            "GET /apis/{}/{}/{}",
            "GET /apis/{}/{}/namespaces/{}/{}",
            "GET /api/v1/namespaces/{}/pods/{}/log",
        )
    )

    def __init__(self, name: str, http: _http.HttpClient, *, namespaces: tuple[str, ...] = ()) -> None:
        super().__init__(name, http)
        self._namespaces = namespaces

    async def ping(self, limits: protocols.Limits = protocols.DEFAULT_LIMITS) -> answers.Answer[str]:
        """Reachable and permitted? Lists one pod: the version is open to everyone, pods are not."""

        async def work(budget: _http.Budget) -> answers.Part[str]:
            about = _json.mapping(await self._http.get_json("/version", budget=budget), "the answer")
            version = _json.text(about.get("gitVersion"), "gitVersion")
            path = _path(kinds.KINDS["Pod"], self._namespaces[0] if self._namespaces else "")
            _json.mapping(await self._http.get_json(path, {"limit": 1}, budget=budget), "the answer")
            return answers.Part(f"Kubernetes {version}")

        return await self._ask(work, query="/version", limits=limits)

    def holds(self, kind: str) -> bool:
        """See `protocols.ClusterSource.holds`: a cluster may be asked for any kind."""
        del kind
        return True

    async def objects(
        self,
        kind: str,
        namespace: str = "",
        label_selector: str = "",
        limits: protocols.Limits = protocols.DEFAULT_LIMITS,
    ) -> answers.Answer[Sequence[records.ClusterObject]]:
        """See `protocols.ClusterSource.objects`. Values of Secrets are masked."""

        async def work(budget: _http.Budget) -> answers.Part[Sequence[records.ClusterObject]]:
            place = self._place(kind)
            found, truncated, warnings = await self._list(place, namespace, label_selector, limits, budget)
            read, complaints = _json.read_each(found, functools.partial(_object, kind), "objects")
            ordered = sorted(read, key=lambda one: (one.namespace, one.name))[: limits.records]
            return answers.Part(ordered, truncated or len(read) > limits.records, (*warnings, *complaints))

        place = kinds.KINDS.get(kind)
        shown = _path(place, namespace) if place else kind
        query = f"GET {shown}" + (f"?labelSelector={label_selector}" if label_selector else "")
        return await self._ask(work, query=query, limits=limits)

    async def events(
        self, window: windows.Window, namespace: str = "", limits: protocols.Limits = protocols.DEFAULT_LIMITS
    ) -> answers.Answer[Sequence[records.Event]]:
        """See `protocols.ClusterSource.events`. A cluster lists events by name: beyond `limits.records` any may be missing."""

        async def work(budget: _http.Budget) -> answers.Part[Sequence[records.Event]]:
            place = kinds.KINDS["Event"]
            found, truncated, warnings = await self._list(place, namespace, "", limits, budget)
            read, complaints = _json.read_each(found, functools.partial(reading.event, source=self._name), "events")
            inside = sorted(
                (one for one in read if window.contains(one.time_s)),
                key=lambda one: (one.time_s, one.entity, one.reason),
            )
            kept = inside[-limits.records :]
            return answers.Part(kept, truncated or len(kept) < len(inside), (*warnings, *complaints))

        return await self._ask(
            work, query=f"GET {_path(kinds.KINDS['Event'], namespace)}", window=window, limits=limits
        )

    async def pod_logs(
        self,
        pod: str,
        namespace: str,
        container: str = "",
        *,
        previous: bool = False,
        limits: protocols.Limits = protocols.DEFAULT_LIMITS,
    ) -> answers.Answer[records.LogBatch]:
        """See `protocols.ClusterSource.pod_logs`. TRUNCATED when `limits.lines` came: there may be older ones."""
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        params: dict[str, str | int | float | bool] = {"timestamps": True, "tailLines": limits.lines}
        if container:
            params["container"] = container
        if previous:
            params["previous"] = True

        async def work(budget: _http.Budget) -> answers.Part[records.LogBatch]:
            reply = await self._http.request(
                "GET", path, params, budget=budget, accept=_NONE_SUCH, headers={"accept": "text/plain, */*"}
            )
            if reply.status in _NONE_SUCH:
                raise errors.QueryRejected(f"{self._name}: there is no pod {namespace}/{pod}", source=self._name)
            if "html" in reply.headers.get("content-type", ""):
                raise errors.BackendMalformed(f"{self._name}: {reply.asked} answered a web page", source=self._name)
            labels = {"namespace": namespace, "pod": pod, **({"container": container} if container else {})}
            batch = reading.log(reply.text(), labels, lines_max=limits.lines)
            return answers.Part(batch, truncated=len(batch) >= limits.lines)

        shown = f"GET {path}" + ("?previous=true" if previous else "")
        return await self._ask(work, query=shown, limits=limits)

    def _place(self, kind: str) -> kinds.Place:
        place = kinds.KINDS.get(kind)
        if place is None:
            near = difflib.get_close_matches(kind, kinds.KINDS, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise errors.QueryRejected(f"{self._name}: no kind {kind!r} is known{hint}", source=self._name)
        return place

    async def _list(
        self, place: kinds.Place, namespace: str, selector: str, limits: protocols.Limits, budget: _http.Budget
    ) -> tuple[list[Any], bool, tuple[str, ...]]:
        """Objects of one place, whether some are missing, and warnings."""
        chosen = (namespace,) if namespace or not place.namespaced else self._namespaces or ("",)
        found: list[Any] = []
        warnings: list[str] = []
        truncated = False
        for one in chosen:
            truncated |= await self._pages(_path(place, one), selector, limits, budget, found, warnings)
        return found, truncated, tuple(warnings)

    async def _pages(
        self,
        path: str,
        selector: str,
        limits: protocols.Limits,
        budget: _http.Budget,
        found: list[Any],
        warnings: list[str],
    ) -> bool:
        """Append to `found` page by page; True when the list is not whole."""
        token, seen = "", {""}
        while len(found) < limits.records:
            params: dict[str, str | int | float | bool] = {"limit": min(PAGE_OBJECTS, limits.records - len(found))}
            params |= {"continue": token} if token else {}
            params |= {"labelSelector": selector} if selector else {}
            try:
                reply = await self._http.request("GET", path, params, budget=budget, accept=_NONE_SUCH)
            except errors.BackendError as error:
                if not token:
                    raise
                warnings.append(f"later pages of the list did not come: {error}")  # 410: the token has expired
                return True
            if reply.status in _NONE_SUCH:
                raise self._missing(reply, path)
            body = _json.mapping(_http.decode(reply), "the answer")
            if "items" not in body:
                raise errors.BackendMalformed("a list has no items")
            found += _json.items(body["items"], "items")
            metadata = body.get("metadata")
            token = _json.optional_text(metadata.get("continue")) if isinstance(metadata, dict) else ""
            if token in seen:
                return token != ""
            seen.add(token)
        return bool(token)

    def _missing(self, reply: _http.Reply, path: str) -> errors.BackendError:
        """404: an API server that does not know the kind says so in a Status; anything else is not an API server."""
        try:
            body = _http.decode(reply)
        except errors.BackendMalformed:
            body = None
        is_status = isinstance(body, dict) and body.get("kind") == "Status"
        plain = reply.body.strip() == b"404 page not found"  # of a group that is not installed
        if is_status or plain:
            return errors.QueryRejected(f"{self._name}: this cluster has no {path}", source=self._name)
        return self._http.refusal(reply)


def _path(place: kinds.Place, namespace: str) -> str:
    if namespace and place.namespaced:
        return f"{place.prefix}/namespaces/{namespace}/{place.plural}"
    return f"{place.prefix}/{place.plural}"


def _object(kind: str, value: Any) -> records.ClusterObject:
    body = _json.mapping(value, "an object")
    metadata = _json.mapping(body.get("metadata"), "metadata")
    name = _json.text(metadata.get("name"), "metadata.name")
    # Lists leave the kind out of their items; it is what tells the redaction that this is a Secret.
    whole = redaction.redact_tree({**body, "kind": kind})
    return records.ClusterObject(kind, name, _json.optional_text(metadata.get("namespace")), whole)
