"""What else memory keeps: facts that somebody or something said, and past incidents with what was found. Either can be struck."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic

from rootward.memory import texts
from rootward.memory.guidance import Guidance

Kind = Literal["guidance", "fact", "incident"]
KINDS: tuple[Kind, ...] = ("guidance", "fact", "incident")
LETTERS: dict[Kind, str] = {"guidance": "G", "fact": "F", "incident": "I"}


FINDING_BYTES_MAX = 1_000_000


def _sound(finding: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(json.dumps(finding, allow_nan=False))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"cannot be written as JSON ({error})") from error
    if size > FINDING_BYTES_MAX:
        raise ValueError(f"has {size} bytes; at most {FINDING_BYTES_MAX} are kept of one finding")
    return finding


class Fact(texts.Record):
    """Something that is so in this environment. `provenance` is who or what said it; `about` the entities that it is about.

    Struck facts are kept, with the reason, so that they do not come back; they are never recalled.
    """

    id: texts.Name = ""
    text: texts.Text
    provenance: texts.Text
    about: Annotated[tuple[texts.EntityPattern, ...], pydantic.Field(max_length=20)] = ()
    created_s: Annotated[texts.Moment, pydantic.Field(alias="created")] = 0.0
    struck_s: Annotated[texts.Moment | None, pydantic.Field(alias="struck")] = None
    struck_why: texts.Name = ""

    @property
    def words(self) -> str:
        """What it is recalled by."""
        return " ".join([self.text, *self.about])


class Incident(texts.Record):
    """One investigation's outcome: the alert, its class, when it began to fire, and the finding in its published JSON form (see
    docs/reference/finding.md)."""

    id: texts.Name = ""
    alert: texts.Name
    alert_class: Annotated[texts.Name, pydantic.Field(alias="class")]
    service: texts.Name = ""
    fired_s: Annotated[texts.Moment, pydantic.Field(alias="fired")] = 0.0
    labels: Annotated[dict[texts.Name, texts.Line], pydantic.Field(max_length=100, default_factory=dict)]
    status: texts.Name = ""
    finding: Annotated[dict[str, Any], pydantic.AfterValidator(_sound), pydantic.Field(default_factory=dict)]
    created_s: Annotated[texts.Moment, pydantic.Field(alias="created")] = 0.0
    struck_s: Annotated[texts.Moment | None, pydantic.Field(alias="struck")] = None
    struck_why: texts.Name = ""

    @property
    def cause(self) -> str:
        """The leading root cause as kind/name, "" when there is none."""
        entity = self._leading.get("entity")
        return "/".join(str(entity.get(part, "")) for part in ("kind", "name")) if isinstance(entity, Mapping) else ""

    @property
    def fault(self) -> str:
        return str(self._leading.get("fault", ""))

    @property
    def summary(self) -> str:
        return str(self.finding.get("summary", ""))

    @property
    def words(self) -> str:
        """What it is recalled by: the alert, what was found and why."""
        because = self._leading.get("because")
        reasons = [str(one) for one in because] if isinstance(because, list) else []
        return " ".join([self.alert, self.alert_class, self.service, self.cause, self.fault, self.summary, *reasons])

    @property
    def _leading(self) -> Mapping[str, Any]:
        """What was read from a file may have any shape."""
        causes = self.finding.get("root_causes")
        first = causes[0] if isinstance(causes, list) and causes else {}
        return first if isinstance(first, Mapping) else {}


Kept = Guidance | Fact | Incident
MODELS: dict[Kind, type[Guidance] | type[Fact] | type[Incident]] = {
    "guidance": Guidance,
    "fact": Fact,
    "incident": Incident,
}


def kind_of(record: Kept) -> Kind:
    return next(kind for kind, model in MODELS.items() if isinstance(record, model))


def kind_of_id(key: str) -> Kind | None:
    """The kind that an id such as G3 names; None when it is no id of memory."""
    return next((kind for kind, letter in LETTERS.items() if _ID.fullmatch(key) and key[0] == letter), None)


_ID = re.compile(r"[A-Z][1-9][0-9]{0,14}")
