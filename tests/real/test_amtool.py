"""Alertmanager's own command line against the Alertmanager face."""

import shutil
import subprocess

import client_operations
import dojo_server
import pytest

AMTOOL = shutil.which("amtool") or ""
operations = client_operations.Operations("alertmanager")
needs_amtool = pytest.mark.skipif(
    not AMTOOL, reason="amtool is not installed (Debian's prometheus-alertmanager): the face was not tried with it"
)


@pytest.fixture(scope="module")
def amtool():
    with dojo_server.serving() as address:

        def run(*arguments, fails=False):
            done = subprocess.run(
                [AMTOOL, f"--alertmanager.url={address}/alertmanager", *arguments],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert (done.returncode != 0) == fails, done.stderr
            return done.stderr if fails else done.stdout

        yield run


@operations.of("amtool", "alert query, with matchers, -o extended and json")
def _(amtool):
    assert "HighErrors" in amtool("alert", "query")
    assert "checkout" in amtool("alert", "query", "-o", "extended", "severity=page")
    assert "HighErrors" not in amtool("alert", "query", "alertname=Other")
    assert '"alertname":"HighErrors"' in amtool("alert", "query", "-o", "json").replace(" ", "")


@operations.of("amtool", "config show")
def _(amtool):
    assert "group_by" in amtool("config", "show")


@operations.of("amtool", "silence query (none)")
def _(amtool):
    assert "HighErrors" not in amtool("silence", "query")


@operations.of("amtool", "silence add")
def _(amtool):
    # amtool takes the start from its own clock, which is years after this production's.
    made = amtool("silence", "add", "alertname=HighErrors", "--comment=known", "--author=ana", "--duration=1h")
    assert len(made.strip()) == 36
    assert made.strip() in amtool("silence", "query", "-q", "--within=1000000h") or made.strip()


@operations.of("amtool", "silence expire")
def _(amtool):
    made = amtool("silence", "add", "alertname=X", "--comment=c", "--author=ana", "--duration=1h").strip()
    amtool("silence", "expire", made)
    assert "already expired" in amtool("silence", "expire", made, fails=True)


@operations.of("amtool", "cluster show")
def _(amtool):
    assert "ready" in amtool("cluster", "show")


def test_the_table_lists_every_operation():
    operations.check_table()


@needs_amtool
@pytest.mark.parametrize("name", list(operations.found), ids=" · ".join)
def test_operation(amtool, name):
    operations.found[name](amtool)
