#!/usr/bin/env bash
# Runs every fuzz function of the project for a short while.
#
#   scripts/fuzz.sh [BUDGET]    each for BUDGET, inputs (10000x) or time (10m); 10000x where it is not given
#
# Inputs are counted and no clock is set, for Go before 1.27 can report that the clock ran
# out as a failure of the fuzz function (go.dev/issue/75804).
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT
ran=0
while IFS=: read -r file name; do
  echo "fuzz $name (./$(dirname "$file"))"
  go test "./$(dirname "$file")" -run='^$' -fuzz="^$name\$" -fuzztime="${1:-10000x}" >"$log" 2>&1 || { cat "$log"; exit 1; }
  tail -n 1 "$log"
  ran=$((ran + 1))
done < <(git ls-files --cached --others --exclude-standard '*_test.go' |
  xargs grep -HoE '^func Fuzz[A-Za-z0-9_]+' | sed 's/:func /:/' | sort)
[ "$ran" -gt 0 ] || { echo "no fuzz function found" >&2; exit 1; }
echo "$ran fuzzers passed"
