#!/usr/bin/env bash
# Makes .venv-peers from benchmarks/peers/requirements.lock: what the benchmark compares with. Not fetched again.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=$(sha256sum benchmarks/peers/requirements.lock | cut -d' ' -f1)
stamp=.venv-peers/.installed
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && exit 0
echo "peers: packages of benchmarks/peers/requirements.lock (0.6 GB on disk, once)"
.venv/bin/uv venv -q --allow-existing --python .venv/bin/python .venv-peers
.venv/bin/uv pip sync -q --python .venv-peers/bin/python --require-hashes --compile-bytecode benchmarks/peers/requirements.lock
echo "$wanted" > "$stamp"
