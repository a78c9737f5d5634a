#!/usr/bin/env bash
# Makes an environment from a lock beside .venv: for packages that clash with the lakehouse's own, or that only a test or a
# benchmark needs. `venv.sh FOLDER LOCK WHAT-FOR`. Not fetched again while the lock is as it was.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1 lock=$2 what=$3
wanted=$(sha256sum "$lock" | cut -d' ' -f1)
stamp=$folder/.installed
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && exit 0
echo "$what: packages of $lock (once)"
.venv/bin/uv venv -q --allow-existing --python .venv/bin/python "$folder"
.venv/bin/uv pip sync -q --python "$folder/bin/python" --require-hashes --compile-bytecode "$lock"
echo "$wanted" > "$stamp"
