#!/usr/bin/env bash
# A KMS that speaks AWS's API, for `make kms`: local-kms, built by Go into .tools. Prints nothing where it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
program=.tools/local-kms
[ -x "$program" ] && exit 0
go=$(command -v go || echo /usr/local/go/bin/go)
[ -x "$go" ] || { echo "make kms needs Go, to build local-kms" >&2; exit 1; }
GOBIN="$PWD/.tools" "$go" install github.com/nsmithuk/local-kms@v0.0.0-20260228092603-2a5e92d09ab6
