#!/usr/bin/env bash
# Runs every fuzz function of the project for a short while.
#
#   scripts/fuzz.sh [TIME]      each for TIME, 3s where it is not given
set -euo pipefail
cd "$(dirname "$0")/.."

ran=0
while IFS=: read -r file name; do
  echo "fuzz $name (./$(dirname "$file"))"
  go test "./$(dirname "$file")" -run='^$' -fuzz="^$name\$" -fuzztime="${1:-3s}" | tail -n 1
  ran=$((ran + 1))
done < <(git ls-files --cached --others --exclude-standard '*_test.go' |
  xargs grep -HoE '^func Fuzz[A-Za-z0-9_]+' | sed 's/:func /:/' | sort)
[ "$ran" -gt 0 ] || { echo "no fuzz function found" >&2; exit 1; }
echo "$ran fuzzers passed"
