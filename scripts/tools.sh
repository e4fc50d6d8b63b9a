#!/usr/bin/env bash
# Checks that what the project is built with is there, and says what to do where
# it is not. On Debian, as root, it installs what is missing.
#
#   scripts/tools.sh             Go, Node, a C compiler (race detector), Chromium, Postgres, a Redis server (tests)
#   scripts/tools.sh chromium    prints the path of Chromium or Chrome
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "setup: $*" >&2; exit 1; }

# at_least WANT HAVE: is version HAVE at least WANT?
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# install PACKAGE: through apt-get where that is possible, else fails.
install() {
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
  echo "setup: installing $1" >&2
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >&2
}

# browser prints the path of Chromium or Chrome, or fails.
browser() {
  local name
  for name in "${CHROME:-}" "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" "/Applications/Chromium.app/Contents/MacOS/Chromium"; do
    [ -n "$name" ] && type -P "$name" && return
  done
  return 1
}

# postgres tells whether there is a Postgres, where its package puts it or elsewhere.
postgres() {
  type -P "${POSTGRES:+$POSTGRES/}initdb" >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

if [ "${1:-}" = chromium ]; then
  browser || fail "no Chromium or Chrome found: set CHROME to its path"
  exit
fi

command -v go >/dev/null || fail "Go is missing: https://go.dev/dl"
want_go=$(awk '$1 == "go" { print $2 }' go.mod)
have_go=$(go env GOVERSION); have_go=${have_go#go}
at_least "$want_go" "${have_go%% *}" || fail "Go $want_go or later is needed, this is $have_go"

command -v node >/dev/null || fail "Node is missing: https://nodejs.org"
want_node=20.19
have_node=$(node --version); have_node=${have_node#v}
at_least "$want_node" "$have_node" || fail "Node $want_node or later is needed, this is $have_node"

command -v "$(go env CC)" >/dev/null || install gcc libc6-dev || fail "no C compiler found: the race detector needs one"
browser >/dev/null || install chromium || fail "no Chromium or Chrome found: install one, or set CHROME to its path"
browser >/dev/null || fail "Chromium was installed and is still not found"
command -v redis-server >/dev/null || install redis-server || fail "no redis-server found: a test compares with it"
postgres || install postgresql || fail "no Postgres found: the tests of sync/origin start one. Install it, or set POSTGRES to the folder of its programs"
