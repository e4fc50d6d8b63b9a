#!/usr/bin/env bash
# Runs every fuzz function of the project for a short while.
#
#   scripts/fuzz.sh [BUDGET]           each for BUDGET, inputs (10000x) or time (10m), guided by coverage
#   scripts/fuzz.sh -plain [BUDGET]    the same without guidance, for which nothing has to be compiled anew
#
# BUDGET is 10000x where it is not given. Inputs are counted and no clock is set, for Go before
# 1.27 can report that the clock ran out as a failure of the fuzz function (go.dev/issue/75804).
# An input that fails is kept below testdata/fuzz of its package, as by go test.
set -euo pipefail
cd "$(dirname "$0")/.."

guidance=(-fuzz=.)
if [ "${1:-}" = -plain ]; then
  guidance=()
  shift
fi
budget="${1:-10000x}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ran=0
built=
while IFS=: read -r file name; do
  package=$(dirname "$file")
  if [ "$package" != "$built" ]; then
    go test -c -vet=off "${guidance[@]}" -o "$work/fuzz.test" "./$package"
    built=$package
  fi
  echo "fuzz $name (./$package)"
  (cd "$package" && "$work/fuzz.test" -test.run='^$' -test.fuzz="^$name\$" -test.fuzztime="$budget" \
    -test.fuzzcachedir="$(go env GOCACHE)/fuzz/stowage/$package") >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  grep execs "$work/log" | tail -n 1
  ran=$((ran + 1))
done < <(git ls-files --cached --others --exclude-standard '*_test.go' |
  xargs grep -HoE '^func Fuzz[A-Za-z0-9_]+' | sed 's/:func /:/' | sort)
[ "$ran" -gt 0 ] || { echo "no fuzz function found" >&2; exit 1; }
echo "$ran fuzzers passed"
