#!/usr/bin/env bash
# Every check that reads the tree without running it. All of them run; the exit code says whether all passed.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
status=0
check() {
    local name=$1; shift
    local said
    if said=$("$@" 2>&1); then echo "  ok    $name"; else status=1; echo "  FAULT $name"; echo "$said"; fi
}
check "ruff check" $bin/ruff check -q lakehouse ml tests benchmarks scripts dbt dbt_project
check "ruff format" $bin/ruff format -q --check lakehouse ml tests benchmarks scripts dbt dbt_project
check "mypy --strict lakehouse ml" $bin/mypy
check "import-linter" $bin/lint-imports
check "sqlfluff" $bin/sqlfluff lint -q dbt_project/models dbt_project/tests
check "dbt parse" $bin/dbt --quiet --warn-error-options '{"error": ["NoNodesForSelectionCriteria"]}' parse --target-path "${TMPDIR:-/tmp}/lakehouse-lint-target" --no-partial-parse
exit $status
