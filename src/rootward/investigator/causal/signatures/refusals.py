"""What the operating system and other people's gates refuse, in the words of their errors: no descriptor, no port, no shared memory, no permission.

The words are those of errno and of the runtimes that pass it on; each names a resource that ran out, or a right that is gone, and
the process that says so is the one that lacks it, unless a database speaks through it.
Sources: errno(3) (EMFILE, EADDRNOTAVAIL, ENOSPC on /dev/shm); PostgreSQL dsm_impl.c; AWS, Google and Kubernetes API error codes.
"""

import dataclasses
import re
from collections.abc import Iterator

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import picture, shifts
from rootward.investigator.causal.signatures import reading
from rootward.signals import entities, records
from rootward.signals.roles import role as roles

FAMILY = "signature.refusal"
SAID = 4.5
DENIED = 4.0
REVOKED = 1.5  # a change of rights just before
FULL = 0.95  # of the descriptors that a process may open
FILLED = 4.0
WITHIN_S, AFTER_S = 900.0, 120.0  # how near the onset a change of rights has to be


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """`store`: a database may say it of itself, through the client that quotes it."""

    fault: str
    pattern: re.Pattern[str]
    store: bool = False


REFUSALS = (
    Refusal(
        "fd_exhaustion", reading.compiled(r"too many open files|\bE[MN]FILE\b|file descriptors? (?:limit|exhaust)")
    ),
    Refusal(
        "port_exhaustion", reading.compiled(r"cannot assign requested address|\bEADDRNOTAVAIL\b|can't assign requested")
    ),
    Refusal(
        "shm_exhaustion",
        reading.compiled(
            r"could not (?:resize|open) shared memory segment|/dev/shm\S*.{0,40}no space left|unable to allocate shared"
        ),
        store=True,
    ),
)
DENIED_WORDS = reading.compiled(
    r"\b403\b.{0,60}(?:forbidden|denied)|\bstatus(?: code)?[ :=]+403\b|\bAccess ?Denied(?:Exception)?\b|\bPERMISSION_DENIED\b|PermissionDenied\b"
    r"|not authori[sz]ed to perform|insufficient (?:permissions?|privileges?)|is forbidden: User \"|HttpClientErrorException\$Forbidden"
)
MESH_WORDS = reading.compiled(r"RBAC: access denied")  # a mesh's own refusal has a kind of its own
RIGHTS_WORDS = reading.compiled(
    r"\biam\b|\brbac\b|\broles?\b|\bpermissions?\b|\bpolic(?:y|ies)\b|\bgrants?\b|\bscopes?\b|\bacl\b"
)


def clues(seen: picture.Picture) -> list[cases.Clue]:
    return [*_refused(seen), *_filled(seen), *_denied(seen)]


def _refused(seen: picture.Picture) -> Iterator[cases.Clue]:
    for refusal in REFUSALS:
        for heard in reading.spoken(seen, refusal.pattern):
            home = _store(seen, heard.entity) if refusal.store else heard.entity
            yield _said(home, refusal.fault, SAID, heard)


def _store(seen: picture.Picture, speaker: entities.Entity) -> entities.Entity:
    """The database that speaks: the speaker itself, or the only one that it calls."""
    called = [one for one in seen.graph.callees.get(speaker, ()) if one.kind is entities.EntityKind.DATABASE]
    return called[0] if len(called) == 1 and speaker.kind is not entities.EntityKind.DATABASE else speaker


def _filled(seen: picture.Picture) -> Iterator[cases.Clue]:
    for home, shift in sorted(reading.risen(seen, roles.Role.SATURATION, at_least=FULL).items()):
        if home.kind is not entities.EntityKind.NODE and _of_descriptors(shift):
            evidence = (shift.signal.evidence,)
            yield cases.Clue(home, "fd_exhaustion", FILLED, shift.said, evidence, FAMILY + ".filled", shift.onset_s)


def _of_descriptors(shift: shifts.Shift) -> bool:
    return bool(re.search(r"open_f(?:ds|iles)|file_?desc|files_open", shift.signal.name))


def _denied(seen: picture.Picture) -> Iterator[cases.Clue]:
    mesh = {heard.entity for heard in reading.spoken(seen, MESH_WORDS)}
    for heard in reading.spoken(seen, DENIED_WORDS):
        if heard.entity in mesh:
            continue
        change = _rights_changed(seen, heard.entity)
        clue = _said(heard.entity, "permission_revoked", DENIED + (REVOKED if change else 0.0), heard)
        if change is None:
            yield clue
            continue
        moved, key = change
        sentence = f"{clue.sentence}, after “{moved.summary[:80]}”"
        yield dataclasses.replace(clue, sentence=sentence, evidence=(*clue.evidence, key), change=moved.id)


def _rights_changed(seen: picture.Picture, speaker: entities.Entity) -> tuple[records.Change, str] | None:
    """The last change of rights that names the speaker and took effect just before; commits, which say what was done, come first."""
    named = re.compile(rf"(?<![a-z0-9]){re.escape(speaker.name)}(?![a-z0-9])", re.IGNORECASE)
    found = []
    for change, key in seen.case.changes:
        text = " ".join([change.summary, *change.files])
        if -AFTER_S <= seen.onset_s - change.time_s <= WITHIN_S and named.search(text) and RIGHTS_WORDS.search(text):
            found.append((change, key))
    return max(found, key=lambda pair: (pair[0].kind is records.ChangeKind.COMMIT, pair[0].time_s), default=None)


def _said(home: entities.Entity, fault: str, weight: float, heard: reading.Spoken) -> cases.Clue:
    sentence = f"{heard.entity.name} says {heard.count} times: {reading.quoted(heard.example)}"
    return cases.Clue(home, fault, weight, sentence, (heard.evidence,), FAMILY + ".said", heard.first_s)
