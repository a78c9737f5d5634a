#!/usr/bin/env bash
# Makes .venv-superset from helm/superset/requirements.lock: Superset clashes with the lakehouse's own packages.
# With argument `browser` also what drives the browser of tests/superset. Not fetched again while the locks are as they were.
set -euo pipefail
cd "$(dirname "$0")/.."
browser=${1:-}
wanted=$browser$(cat tests/superset/requirements.lock helm/superset/requirements.lock helm/superset/pyproject.toml | sha256sum | cut -d' ' -f1)
stamp=.venv-superset/.installed
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && exit 0
echo "superset: packages of helm/superset/requirements.lock (0.7 GB on disk, once)"
uv=.venv/bin/uv python=.venv-superset/bin/python
"$uv" venv -q --allow-existing --python .venv/bin/python .venv-superset
"$uv" pip sync -q --python "$python" --require-hashes helm/superset/requirements.lock
"$uv" pip install -q --python "$python" --no-deps --no-build-isolation --editable helm/superset
[ -z "$browser" ] || "$uv" pip install -q --python "$python" --require-hashes -r tests/superset/requirements.lock
echo "$wanted" > "$stamp"
