"""Grafana's data sources: which of the system's back ends it has, under which names, ids and types."""

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

from starlette import types

_KNOWN: dict[str, tuple[str, str, str, Mapping[str, Any]]] = {
    # face: name, plugin, address inside the cluster, what the plugin keeps in jsonData
    "prometheus": ("Prometheus", "prometheus", "http://prometheus:9090", {"httpMethod": "POST", "timeInterval": "15s"}),
    "loki": ("Loki", "loki", "http://loki-gateway:3100", {"maxLines": 1000}),
    "tempo": ("Tempo", "tempo", "http://tempo:3200", {"nodeGraph": {"enabled": True}}),
    "jaeger": ("Jaeger", "jaeger", "http://jaeger-query:16686", {}),
    "alertmanager": ("Alertmanager", "alertmanager", "http://alertmanager:9093", {"implementation": "prometheus"}),
    "elasticsearch": ("Elasticsearch", "elasticsearch", "http://elasticsearch:9200", {"timeField": "@timestamp"}),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """One data source and the face behind it."""

    id: int
    face: str
    app: types.ASGIApp
    name: str
    type: str
    url: str
    options: Mapping[str, Any]

    @property
    def uid(self) -> str:
        """As Grafana derives it for provisioned sources: from the name."""
        return "P" + hashlib.sha256(self.name.encode()).hexdigest()[:16].upper()

    def reference(self) -> dict[str, str]:
        return {"type": self.type, "uid": self.uid}

    def to_json(self, *, detail: bool = False) -> dict[str, Any]:
        """As in lists; `detail` as when one is asked for."""
        out: dict[str, Any] = {
            "id": self.id,
            "uid": self.uid,
            "orgId": 1,
            "name": self.name,
            "type": self.type,
            "typeName": self.name,
            "typeLogoUrl": f"public/app/plugins/datasource/{self.type}/img/{self.type}_logo.svg",
            "access": "proxy",
            "url": self.url,
            "user": "",
            "database": "",
            "basicAuth": False,
            "isDefault": self.face == "prometheus",
            "jsonData": dict(self.options),
            "readOnly": True,
        }
        if detail:
            del out["typeName"]
            more = {"basicAuthUser": "", "withCredentials": False, "secureJsonFields": {}, "version": 1}
            out |= {**more, "accessControl": {"datasources:query": True, "datasources:read": True}}
        return out


def sources(faces: Mapping[str, types.ASGIApp]) -> list[Source]:
    """Those of the faces that Grafana has a plugin for, in the order in which they were added."""
    present = [name for name in _KNOWN if name in faces]
    return [Source(i + 1, name, faces[name], *_KNOWN[name]) for i, name in enumerate(present)]
