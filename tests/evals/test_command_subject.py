"""Foreign agents: a command gets real addresses and a schema-true question, and whatever it does becomes an answer or a failure."""

import contextlib
import json
import sys
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rootward.dojo import world
from rootward.evals import command_subject, scoring

HERE = Path(command_subject.__file__).parent
REQUEST = json.loads((HERE / "command_request.schema.json").read_text())
ANSWER = json.loads((HERE / "command_answer.schema.json").read_text())
AGENT = """
import json, sys, urllib.request
question = json.load(sys.stdin)
json.dump(question, open("question.json", "w"))
firing = json.load(urllib.request.urlopen(question["endpoints"]["alertmanager"] + "/api/v2/alerts"))
service = question["alert"]["commonLabels"]["service"]
print("thinking aloud")
print(json.dumps({"status": "found", "root_causes": [{"name": service, "fault": "slow_query", "confidence": 0.7}],
  "evidence": [one["labels"]["alertname"] for one in firing], "path": [service], "tokens": 12, "cost": 0.5}))
"""


def run(tmp_path, code, timeout_s=20.0):
    return command_subject.ask([sys.executable, "-S", "-c", code], {"version": 1}, timeout_s, tmp_path)


def test_a_command_investigates_over_real_sockets(tmp_path):
    scenario, _ = world.build("payments", "slow_query", 3)
    code = AGENT.replace('"question.json"', repr(str(tmp_path / "question.json")))
    subject = command_subject.CommandSubject([sys.executable, "-c", code], timeout_s=60.0)
    answer = subject.investigate(scenario)
    assert answer.failure == ""
    service = scenario.alert["commonLabels"]["service"]
    assert answer.ranked == (scoring.Answer("service", service, "slow_query", 0.7),)
    assert scenario.alert["commonLabels"]["alertname"] in answer.evidence
    assert (answer.tokens, answer.cost, answer.path) == (12, 0.5, (service,))
    question = json.loads((tmp_path / "question.json").read_text())
    jsonschema.validate(question, REQUEST)
    assert {"prometheus", "kubernetes", "grafana"} <= set(question["endpoints"])
    assert "kubeconfig.yaml" in question["settings"]


@pytest.mark.parametrize(
    ("code", "status", "failure"),
    [
        ("import sys; sys.stderr.write('trouble\\nno key\\n'); sys.exit(3)", "error", "exit status 3: no key"),
        ("print('I think it is the database')", "error", "not an answer: no JSON object"),
        ('print(\'{"status": "maybe"}\')', "error", 'not an answer: status is "maybe"'),
        ("print('x' * 3_000_000)", "error", "too long: more than 1048576 bytes"),
        ("while True: pass", "timeout", "no answer within 1 s"),
        ("import os; os.close(1); os.close(2); os.close(0)\nwhile True: pass", "timeout", "no answer within 1 s"),
    ],
)
def test_what_cannot_be_used_is_a_typed_failure(tmp_path, code, status, failure):
    answer = run(tmp_path, code, timeout_s=1.0 if status == "timeout" else 20.0)
    assert answer.status == status
    assert answer.failure.startswith(failure), answer.failure
    assert answer.ranked == ()


def test_a_command_that_does_not_exist_is_a_failure(tmp_path):
    assert command_subject.ask(["no-such-agent"], {}, 1.0, tmp_path).failure.startswith("not started: ")


def test_what_a_command_leaves_running_is_ended(tmp_path):
    code = (
        "import os, sys, time\n"
        "if os.fork() == 0:\n    time.sleep(30)\n"
        'else:\n    print(\'{"status": "quiet"}\'); sys.stdout.flush(); os._exit(0)'
    )
    answer = run(tmp_path, code)
    assert (answer.status, answer.failure) == ("quiet", "")
    assert answer.seconds < 10


LIKELY = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["found", "quiet", "no_fault", "outside", "", 3]),
        "root_causes": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "name": st.sampled_from(["db", "", 1]),
                    "kind": st.sampled_from(["pod", None]),
                    "confidence": st.sampled_from([0, 0.5, 1, 1.5, True, "0.5"]),
                    "change": st.sampled_from(["", "abc", []]),
                },
            )
            | st.integers(),
            max_size=3,
        )
        | st.none(),
        "path": st.lists(st.sampled_from(["a", "b", 1]), max_size=3),
        "evidence": st.just(["up"] * 201) | st.lists(st.text(max_size=3), max_size=2),
        "summary": st.sampled_from(["short", "x" * 2001, None]),
        "tokens": st.sampled_from([0, 10, -1, 1e13, False]),
    },
)


@given(data=LIKELY)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_the_reader_accepts_exactly_what_the_schema_does(data):
    valid = jsonschema.Draft202012Validator(ANSWER).is_valid(data)
    try:
        command_subject.read(json.dumps(data).encode())
    except command_subject.Unusable:
        assert not valid
    else:
        assert valid


@given(output=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_output_is_an_answer_or_unusable(output):
    with contextlib.suppress(command_subject.Unusable):
        assert command_subject.read(output).status in command_subject.STATUSES
