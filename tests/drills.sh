#!/bin/sh
# `make drills`: every drill and variant several times in a row, and a table of how long the recoveries took.
#
# N is how often (5), DRILLS which files (all), REFLOAT_BIN a refloat that is built already. The table for a document:
# refloat drill --history --format markdown.
set -eu
[ -z "${REFLOAT_BIN-}" ] || REFLOAT_BIN=$(realpath "$REFLOAT_BIN")
cd "$(dirname "$0")/.."
sh tests/packages.sh demo
mkdir -p "${CARGO_TARGET_DIR:=target}"
target=$(realpath "$CARGO_TARGET_DIR")
if [ -z "${REFLOAT_BIN-}" ]; then
    PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
    cargo build --locked --bin refloat
    REFLOAT_BIN=$target/debug/refloat
fi

# what was drilled before, elsewhere, is not counted here
state=$(mktemp -d "${TMPDIR:-/tmp}/refloat-drills.XXXXXX")
trap 'rm -rf "$state"' EXIT
trap : INT TERM HUP
ended=0
# shellcheck disable=SC2086  # one word per file
XDG_CACHE_HOME=$target/tmp USER=${USER:-$(id -un)} \
    "$REFLOAT_BIN" --state "$state" drill --quiet -n "${N:-5}" ${DRILLS:-} || ended=$?
[ -z "${MARKDOWN-}" ] || "$REFLOAT_BIN" --state "$state" drill --history --format markdown >"$MARKDOWN"
exit "$ended"
