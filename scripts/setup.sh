#!/usr/bin/env bash
# Makes .venv from requirements.lock and .jars from jars.lock. What is installed is not fetched again.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "error: $*" >&2; exit 1; }

stamp=.venv/.installed
wanted=$(cat requirements.lock jars.lock pyproject.toml scripts/setup.sh | sha256sum | cut -d' ' -f1)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && [ -x .venv/bin/lakehouse ] && [ -d .jars ]; then
    echo "set-up: complete, nothing to fetch"
    exit 0
fi

free_mib=$(df -Pm . | awk 'NR==2 {print $4}')
[ "$free_mib" -ge 3000 ] || fail "set-up needs 3 GB of disk and $(pwd) has ${free_mib} MB free: free some, or clone to another disk"

usable() { "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; }
python=""
for candidate in python3.11 python3.12 python3.10 python3; do
    if command -v "$candidate" >/dev/null && usable "$candidate"; then python=$candidate; break; fi
done

pip_of() { "$1" -m pip --version >/dev/null 2>&1; }
if ! [ -x .venv/bin/python ] || ! usable .venv/bin/python; then
    rm -rf .venv
    if [ -n "$python" ]; then
        "$python" -c 'import venv, ensurepip' 2>/dev/null \
            || fail "this Python has no venv module: sudo apt-get install $(basename "$(readlink -f "$(command -v "$python")")")-venv"
        echo "set-up: a new .venv with $("$python" --version)"
        "$python" -m venv .venv
    elif command -v uv >/dev/null; then
        echo "set-up: no Python 3.10-3.12 here, uv brings 3.11"
        uv venv -q --seed --python 3.11 .venv || fail "uv could not bring Python 3.11: install python3.11 and its venv package"
    elif command -v python3 >/dev/null && pip_of python3; then
        echo "set-up: $(python3 --version) is not 3.10-3.12, uv brings 3.11"
        python3 -m pip install -q --target .uv uv && .uv/bin/uv venv -q --seed --python 3.11 .venv \
            || fail "Python 3.10-3.12 is needed, this is $(python3 --version), and uv could not bring one: install python3.11 and its venv package"
    else
        fail "Python 3.10, 3.11 or 3.12 is needed: sudo apt-get install python3 python3-venv"
    fi
fi

echo "set-up: packages of requirements.lock (1.9 GB on disk, once)"
reach="the package index did not answer: check the network (or PIP_INDEX_URL and UV_INDEX_URL for a mirror), then try again"
uv_lock=.venv/uv.lock.txt
awk '/^uv==/ {on=1} on {print} on && !/\\$/ {exit}' requirements.lock | sed 's/ ; python_full_version[^\\]*\\/ \\/' > "$uv_lock"
[ -x .venv/bin/uv ] || .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r "$uv_lock" || fail "$reach"
.venv/bin/uv pip sync -q --python .venv/bin/python --require-hashes --compile-bytecode requirements.lock || fail "the packages could not be installed: $reach"
.venv/bin/python scripts/link_checkout.py
echo "set-up: jars of jars.lock"
.venv/bin/python -m lakehouse.jars
.venv/bin/python -m lakehouse.archive
echo "$wanted" > "$stamp"
echo "set-up: done, $(du -sh .venv | cut -f1) in .venv, $(du -sh .jars | cut -f1) in .jars"
