#!/usr/bin/env bash
# Every check that reads the tree without running it. All of them run, two at a time; the exit code says whether all passed.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT
names=()
check() {
    local place=${#names[@]}
    names+=("$1"); shift
    while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n; done
    { "$@" > "$said/$place" 2>&1 && touch "$said/$place.ok"; } &
}
check "ruff check" $bin/ruff check -q lakehouse ml tests benchmarks scripts dbt dbt_project
check "ruff format" $bin/ruff format -q --check lakehouse ml tests benchmarks scripts dbt dbt_project
check "mypy --strict lakehouse ml" $bin/mypy
check "import-linter" $bin/lint-imports
check "sqlfluff" $bin/sqlfluff lint -q dbt_project/models dbt_project/tests
check "dbt parse" $bin/dbt --quiet --warn-error-options '{"error": ["NoNodesForSelectionCriteria"]}' parse --target-path "$said/target" --no-partial-parse
# helm on the PATH, or that of the folder that starts clusters.
helm=$(command -v helm || true)
cluster=${LAKEHOUSE_CLUSTER_DIR:-../shared/cluster}/cluster
if [ -z "$helm" ] && [ -x "$cluster" ] && "$cluster" helm version >/dev/null 2>&1; then helm="$cluster helm"; fi
if [ -n "$helm" ]; then
    check "helm lint" $helm lint --strict --quiet helm/lakehouse
fi
wait
status=0
for place in "${!names[@]}"; do
    if [ -e "$said/$place.ok" ]; then echo "  ok    ${names[$place]}"
    else status=1; echo "  FAULT ${names[$place]}"; cat "$said/$place"; fi
done
[ -n "$helm" ] || echo "  -     helm lint is left out: no helm program on the PATH or below LAKEHOUSE_CLUSTER_DIR"
exit $status
