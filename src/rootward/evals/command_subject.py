"""Somebody else's agent as a subject: a command that reads the alert and the addresses as JSON and prints its answer as JSON.

The command sees what an engineer on call would: real APIs on loopback, settings for usual clients, and the moment it is. What it
prints is checked against one schema (`command_answer.schema.json`); what cannot be used is a typed failure, never a guess.
"""

import dataclasses
import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from rootward import _clock, errors
from rootward.dojo import serving
from rootward.dojo.capsule import telemetry
from rootward.dojo.wire import clients, faces
from rootward.evals import scoring

PROTOCOL = 1
MAX_OUTPUT_BYTES = 1024 * 1024
MAX_CAUSES = 20
MAX_ITEMS = 200
MAX_TEXT = 2_000
KEPT_ERROR_BYTES = 4 * 1024
STATUSES = ("found", "no_fault", "outside", "quiet")
GRACE_S = 5.0


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What a command said of one alert, or why that cannot be used.

    `failure` is "", or what went wrong ("not started: …", "exit status 1: …", "not an answer: …"); then `status` is "error" or "timeout" and the rest is empty.
    `evidence` are entities, tools or queries that it names; `tokens` and `cost` (dollars) are 0 where it does not tell.
    """

    status: str
    ranked: tuple[scoring.Answer, ...] = ()
    evidence: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    summary: str = ""
    probes: int = 0
    tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0
    failure: str = ""


class Unusable(errors.RootwardError):
    """The output of a command is not an answer; the message says where and what was expected."""


@dataclasses.dataclass(frozen=True, slots=True)
class CommandSubject:
    """`argv` is the command (no shell); it has `timeout_s` seconds for one alert and is then ended with all that it started."""

    argv: Sequence[str]
    timeout_s: float

    @property
    def name(self) -> str:
        return "command:" + " ".join(self.argv)

    def investigate(self, scenario: telemetry.Scenario) -> Answer:
        """Serve the scenario on a free port of loopback, ask the command, and read its answer."""
        clock = _clock.VirtualClock(scenario.telemetry.now_s)
        vendors = faces.with_gateways(scenario.telemetry, clock, faces.faces(scenario.telemetry, clock))
        mcp = faces.mcp_app(vendors, clock)
        app = faces.mounted(vendors, mcp)
        with tempfile.TemporaryDirectory(prefix="on-call-") as folder, serving.serving(app, clock) as base_url:
            settings = write_settings(Path(folder), clients.files(base_url, vendors, mcp=mcp is not None))
            names = [*vendors, *(["mcp"] if mcp is not None else [])]
            question = request(scenario, base_url, names, settings, self.timeout_s)
            return ask(self.argv, question, self.timeout_s, Path(folder))


def write_settings(folder: Path, files: Mapping[str, str]) -> dict[str, str]:
    """Write each file; returns name → path."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return {name: str(folder / name) for name in files}


def request(
    scenario: telemetry.Scenario, base_url: str, vendors: Sequence[str], settings: Mapping[str, str], timeout_s: float
) -> dict[str, Any]:
    """What the command reads: the schema is `command_request.schema.json`."""
    return {
        "version": PROTOCOL,
        "now": _clock.to_iso(scenario.telemetry.now_s),
        "answer_within_s": timeout_s,
        "alert": dict(scenario.alert),
        "endpoints": {vendor: f"{base_url}/{vendor}" for vendor in vendors},
        "settings": dict(settings),
    }


def ask(argv: Sequence[str], question: Mapping[str, Any], timeout_s: float, folder: Path) -> Answer:
    """Run the command in `folder` and read what it prints; never raises for what the command does."""
    stopwatch = _clock.SystemClock()
    began_s = stopwatch.monotonic_s()
    try:
        process = subprocess.Popen(  # noqa: S603 — the operator's own command
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return Answer("error", failure=f"not started: {error}")
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    printed = _Kept(process.stdout, MAX_OUTPUT_BYTES, on_full=lambda: _end(process))
    complained = _Kept(process.stderr, KEPT_ERROR_BYTES)
    feeder = threading.Thread(target=_feed, args=(process.stdin, json.dumps(question).encode()), daemon=True)
    feeder.start()
    timed_out = False
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        timed_out = True
    _end(process)  # also what it left running
    process.wait(GRACE_S)
    output, complaint = printed.finish(), complained.finish().decode(errors="replace").strip()
    seconds = stopwatch.monotonic_s() - began_s
    if timed_out:
        return Answer("timeout", seconds=seconds, failure=f"no answer within {timeout_s:g} s")
    if printed.is_full:
        return Answer("error", seconds=seconds, failure=f"too long: more than {MAX_OUTPUT_BYTES} bytes of output")
    if process.returncode != 0:
        last = complaint.splitlines()[-1][:MAX_TEXT] if complaint else "nothing on stderr"
        return Answer("error", seconds=seconds, failure=f"exit status {process.returncode}: {last}")
    try:
        return dataclasses.replace(read(output), seconds=seconds)
    except Unusable as error:
        return Answer("error", seconds=seconds, failure=f"not an answer: {error}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the command and everything in its session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()


def _feed(pipe: IO[bytes], data: bytes) -> None:
    try:
        with pipe:
            pipe.write(data)
    except OSError:
        return  # a command that does not read its question is free not to


class _Kept:
    """The first `limit` bytes of a pipe, read in a thread; the rest is read and dropped, or ends the matter (`on_full`)."""

    def __init__(self, pipe: IO[bytes], limit: int, on_full: Callable[[], None] | None = None) -> None:
        self.is_full = False
        self._pipe, self._limit, self._on_full = pipe, limit, on_full
        self._data = bytearray()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while chunk := os.read(self._pipe.fileno(), 65536):
            room = self._limit - len(self._data)
            self._data += chunk[:room]
            if len(chunk) > room and not self.is_full:
                self.is_full = True
                if self._on_full is not None:
                    self._on_full()

    def finish(self) -> bytes:
        self._thread.join(GRACE_S)
        if not self._thread.is_alive():
            self._pipe.close()
        return bytes(self._data)


def read(output: bytes) -> Answer:
    """An answer from what a command printed: the whole of it, or its last line, is one JSON object.

    Raises:
        Unusable: there is none, or it is not what `command_answer.schema.json` says.
    """
    text = output.decode("utf-8", errors="replace").strip()
    last = text.rpartition("\n")[2]
    data = _decoded(text)
    if data is None and last != text:
        data = _decoded(last)
    if not isinstance(data, dict):
        raise Unusable("no JSON object on standard output, neither all of it nor its last line")
    if data.get("status") not in STATUSES:
        raise Unusable(f"status is {json.dumps(data.get('status'))[:80]}, not one of {', '.join(STATUSES)}")
    return Answer(
        status=data["status"],
        ranked=tuple(_cause(one, i) for i, one in enumerate(_list(data, "root_causes", MAX_CAUSES))),
        evidence=tuple(_text(one, f"evidence[{i}]") for i, one in enumerate(_list(data, "evidence", MAX_ITEMS))),
        path=tuple(_text(one, f"path[{i}]") for i, one in enumerate(_list(data, "path", MAX_ITEMS))),
        summary=_text(data.get("summary", ""), "summary"),
        probes=int(_number(data.get("probes", 0), "probes", 1e9)),
        tokens=int(_number(data.get("tokens", 0), "tokens", 1e12)),
        cost=_number(data.get("cost", 0), "cost", 1e9),
    )


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _list(data: Mapping[str, Any], name: str, limit: int) -> list[Any]:
    found = data.get(name, [])
    if not isinstance(found, list) or len(found) > limit:
        raise Unusable(f"{name} is not a list of at most {limit}")
    return found


def _cause(data: Any, place: int) -> scoring.Answer:
    where = f"root_causes[{place}]"
    if not isinstance(data, dict):
        raise Unusable(f"{where} is not an object")
    name = _text(data.get("name"), f"{where}.name")
    if not name:
        raise Unusable(f"{where}.name is empty")
    kind, fault, change = (_text(data.get(field, ""), f"{where}.{field}") for field in ("kind", "fault", "change"))
    confidence = _number(data.get("confidence", 0), f"{where}.confidence", 1.0)
    return scoring.Answer(kind or "service", name, fault, confidence, change)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise Unusable(f"{where} is not a text of at most {MAX_TEXT} characters")
    return value


def _number(value: Any, where: str, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise Unusable(f"{where} is not a number between 0 and {most:g}")
    return float(value)
