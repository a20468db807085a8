"""Our LogQL parser against Grafana's own grammar (npm: @grafana/lezer-logql): what one takes the other takes."""

import json
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rootward import errors
from rootward.dojo.engines.logql import parser

TOOLS = Path(__file__).resolve().parents[2] / "real-tools" / "logql"
REASON = "@grafana/lezer-logql is not installed (npm): LogQL's syntax was not compared with Grafana's grammar"
CHECK = """
import {parser} from "@grafana/lezer-logql";
import fs from "fs";
const found = JSON.parse(fs.readFileSync(0)).map(text => {
  let good = true;
  parser.parse(text).iterate({enter(node) { if (node.type.isError) good = false; }});
  return good;
});
console.log(JSON.stringify(found));
"""
QUERIES = [
    '{app="x"}',
    '{app="x", env!="y", pod=~"a.+", node!~"b|c"}',
    '{app="x"} |= "a" or "b" != "c"',
    '{app="x"} |~ `a.*` !~ "b"',
    '{app="x"} |> "<_> a" !> "b <_>"',
    '{app="x"} |= ip("10.0.0.0/8")',
    '{app="x"} | json',
    '{app="x"} | json a="b.c[0]", d="e"',
    '{app="x"} | logfmt --strict --keep-empty a="b"',
    '{app="x"} | pattern "<ip> - <_>"',
    '{app="x"} | regexp "(?P<a>b+)"',
    '{app="x"} | unpack',
    '{app="x"} | a="b" and c>5 or d<=1.5',
    '{app="x"} | took > 250ms | size >= 5KB | addr = ip("1.2.3.4")',
    '{app="x"} | (a="b" or c!="d") and e=~"f"',
    '{app="x"} | line_format "{{.a}}"',
    '{app="x"} | label_format a=b, c="{{.d}}"',
    '{app="x"} | drop a, b="c" | keep d',
    '{app="x"} | decolorize',
    'rate({app="x"}[5m])',
    'sum by (a, b) (rate({app="x"} |= "e" [5m]))',
    'sum(rate({app="x"}[5m])) without (pod)',
    'topk(3, count_over_time({app="x"}[1h]))',
    'quantile_over_time(0.99, {app="x"} | json | unwrap took [5m]) by (a)',
    'avg_over_time({app="x"} | logfmt | unwrap duration_seconds(took) | __error__="" [5m])',
    'sum_over_time({app="x"} | unwrap bytes(size) [1m])',
    'absent_over_time({app="x"}[5m])',
    'rate_counter({app="x"} | unwrap n [5m])',
    'label_replace(rate({app="x"}[5m]), "a", "$1", "b", "(.*)")',
    'rate({app="x"}[5m]) / on (a) group_left (b) rate({app="y"}[5m])',
    'rate({app="x"}[5m]) > bool 1 and rate({app="y"}[5m])',
    'sort_desc(sum by (a) (bytes_rate({app="x"}[5m])))',
    "vector(1)",
    "1 + 2 * 3 ^ 2",
    'stddev(rate({app="x"}[5m])) unless stdvar(rate({app="x"}[5m]))',
]
BROKEN = [
    "",
    "{",
    '{app="x"',
    '{app="x"} |= ',
    '{app="x"} | json |',
    'sum(rate({app="x"}))',
    'rate({app="x"}[5m]',
    'sum by a (rate({app="x"}[5m]))',
    '{app="x"} | line_format',
    '{app="x"} | label_format a',
    "{app=x}",
    '{app="x"}} ',
    'rate({app="x"}[5])',
    'nosuch({app="x"}[5m])',
    "topk(3, )",
    '{app="x"} | a >',
]
# Words that Grafana's grammar does not know yet or checks less; each is Loki's own behaviour.
LESS_CHECKED = {'sum(rate({app="x"}))', "nosuch"}


def ours(text):
    try:
        parser.parse(text)
    except errors.QuerySyntaxError:
        return False
    return True


@pytest.fixture(scope="module")
def theirs():
    node = shutil.which("node")
    if node is None or not (TOOLS / "node_modules" / "@grafana").is_dir():
        pytest.skip(REASON)
    script = TOOLS / "check.mjs"
    script.write_text(CHECK)

    def judge(texts):
        done = subprocess.run(
            [node, str(script)], input=json.dumps(texts), capture_output=True, text=True, timeout=60, check=True
        )
        return json.loads(done.stdout)

    return judge


def test_what_grafanas_grammar_takes_we_take(theirs):
    judged = theirs(QUERIES)
    assert [text for text, good in zip(QUERIES, judged, strict=True) if not good] == []
    assert [text for text in QUERIES if not ours(text)] == []


def test_what_grafanas_grammar_refuses_we_refuse(theirs):
    judged = theirs(BROKEN)
    differ = [text for text, good in zip(BROKEN, judged, strict=True) if good != ours(text)]
    assert set(differ) <= LESS_CHECKED


def mutated(rng):
    words = rng.choice(QUERIES).split(" ")
    at = rng.randrange(len(words))
    return " ".join(rng.choice([words[:at] + words[at + 1 :], words[:at] + words[at : at + 1] + words[at:]]))


def test_a_thousand_mutations_are_judged_alike(theirs):
    """A word dropped or doubled. Two differences are Loki's own grammar (syntax.y): conditions side by side mean `and`, which
    Grafana's grammar refuses, and a label is formatted once, which it does not check."""
    rng = random.Random(7)
    texts = [mutated(rng) for _ in range(1000)]
    judged = dict(zip(texts, theirs(texts), strict=True))
    taken_only_by_us = [text for text, good in judged.items() if ours(text) and not good]
    refused_only_by_us = [text for text, good in judged.items() if good and not ours(text)]
    print(f"agree on {len(judged) - len(taken_only_by_us) - len(refused_only_by_us)} of {len(judged)}")
    side_by_side = re.compile(r"""["\w)] *(?:[a-z_]+ *[!<>=~]+|\()""")
    assert [text for text in taken_only_by_us if not side_by_side.search(text)] == []
    assert [text for text in refused_only_by_us if "label_format" not in text] == []
