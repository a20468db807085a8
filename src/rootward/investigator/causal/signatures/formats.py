"""What cannot be read: a caller that does not understand a newly released callee, and a configuration that many cannot parse.

The words are those of decoders. Who says them is the victim: a callee that was released just before answers in a new form; a file that
several programs stumble over at once is a configuration that somebody pushed. Sources: encoding/json, Jackson, pydantic, protobuf, zod,
Avro; go-yaml, SnakeYAML, PyYAML, js-yaml; Cloudflare's post-mortem of 18 November 2025 (a file too large for its readers).
"""

import collections
import re
from collections.abc import Iterator

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import changes, picture
from rootward.investigator.causal.signatures import reading, releases
from rootward.signals import entities, records

FAMILY, SHARED = "signature.format", "signature.shared"
MISREAD, NAMED = 4.0, 1.5
PUSHED = 6.0
READERS_MIN = 3  # of one file: fewer may have broken it each for itself
DECODE_WORDS = reading.compiled(
    r"cannot unmarshal|json: unknown field|unexpected end of JSON|invalid character .{1,12} looking for beginning of value"
    r"|UnrecognizedPropertyException|MismatchedInputException|InvalidFormatException|InvalidDefinitionException|JsonParseException"
    r"|InvalidProtocolBufferException|cannot parse invalid wire-format|proto: .{0,40}(?:mismatch|cannot parse)|InvalidClassException"
    r"|\bvalidation errors? for \w|Error decoding|JSONDecodeError|ZodError|AvroTypeException|SchemaParseException|SerializationException"
    r"|(?:failed|unable|could not|cannot) to? ?(?:decode|deseriali[sz]e|parse) (?:response|reply|answer|body|message)"
)
FILE_WORDS = reading.compiled(
    r"(?:panic|fatal|error|exception|traceback|refus|exceed|invalid|unexpected|parse|parsing|load).{0,400}?"
    r"/[\w./-]+\.(?:ya?ml|json|toml|conf|cfg|ini|properties|xml|hcl)\b"
    r"|/[\w./-]+\.(?:ya?ml|json|toml|conf|cfg|ini|properties|xml|hcl)\b.{0,200}?(?:error|invalid|unexpected|exceed|expected|mapping|too (?:large|many|big))"
)
_PATH = re.compile(r"/[\w./-]+\.(?:ya?ml|json|toml|conf|cfg|ini|properties|xml|hcl)\b")
_SOURCES = re.compile(
    r"/(?:node_modules|site-packages|dist-packages|src|lib)/"
)  # code that is installed, not configuration


def clues(seen: picture.Picture) -> list[cases.Clue]:
    return [*_misread(seen), *_pushed(seen)]


def _misread(seen: picture.Picture) -> Iterator[cases.Clue]:
    near = changes.reached(seen.case, seen.onset_s, within_s=releases.WITHIN_S, after_s=releases.AFTER_S)
    released = {
        seen.homes.named(one.service): one for one in near if releases.FAULTS.get(one.change.kind) == "bad_deploy"
    }
    for heard in reading.spoken(seen, DECODE_WORDS):
        called = sorted(set(seen.graph.callees.get(heard.entity, ())) & set(released))
        named = [one for one in called if re.search(rf"(?<![\w-]){re.escape(one.name)}(?![\w-])", heard.example)]
        accused = named or called
        if len(accused) != 1:
            continue
        change = released[accused[0]]
        sentence = (
            f"{heard.entity.name} cannot read what {accused[0].name} answers since its release "
            f"({heard.count} times): {reading.quoted(heard.example)}"
        )
        yield cases.Clue(
            accused[0],
            "version_skew",
            MISREAD + (NAMED if named else 0.0),
            sentence,
            (heard.evidence, change.evidence),
            FAMILY,
            change.effect_s,
            change=change.change.id,
        )


def _pushed(seen: picture.Picture) -> Iterator[cases.Clue]:
    readers: dict[str, list[reading.Spoken]] = collections.defaultdict(list)
    for heard in reading.spoken(seen, FILE_WORDS):
        for path in dict.fromkeys(_PATH.findall(heard.example)):
            if not _SOURCES.search(path):
                readers[path].append(heard)
    for path, heard_by in sorted(readers.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        speakers = sorted({one.entity for one in heard_by})
        if len(speakers) < READERS_MIN:
            continue
        change = _push(seen, path)
        home = speakers[0] if change is None else _pusher(seen, change[0], speakers)
        names = ", ".join(one.name for one in speakers[:3])
        after = "" if change is None else f", after “{change[0].summary[:80]}”"
        sentence = (
            f"{len(speakers)} services ({names}, …) cannot read {path}{after}: {reading.quoted(heard_by[0].example)}"
        )
        evidence = tuple(dict.fromkeys(one.evidence for one in heard_by)) + (() if change is None else (change[1],))
        first_s = min(one.first_s for one in heard_by)
        yield cases.Clue(
            home,
            "bad_config",
            PUSHED,
            sentence,
            evidence,
            SHARED,
            first_s,
            change="" if change is None else change[0].id,
        )
        return


def _push(seen: picture.Picture, path: str) -> tuple[records.Change, str] | None:
    """The last change of configuration before the onset that has to do with the file: by its name, or because it is one of configuration."""
    stem = path.rpartition("/")[2].partition(".")[0]
    found = []
    for change, key in seen.case.changes:
        text = " ".join([change.summary, *change.files, *map(str, change.detail.values())])
        names_it = re.search(rf"(?<![a-z0-9]){re.escape(stem)}(?![a-z0-9])", text, re.IGNORECASE) is not None
        config = change.kind is records.ChangeKind.CONFIG
        if -releases.AFTER_S <= seen.onset_s - change.time_s <= releases.WITHIN_S and (names_it or config):
            found.append(((names_it, config, change.time_s), (change, key)))
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _pusher(seen: picture.Picture, change: records.Change, speakers: list[entities.Entity]) -> entities.Entity:
    return speakers[0] if change.entity is None else seen.homes.of(change.entity)
