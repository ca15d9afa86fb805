#!/bin/bash
# Cuts the power of a host: all its processes end without a word. Runs in the lab's namespaces.
set -eu
cd "$REFLOAT_LAB_DIR"
outer=$(cat "run/$1/outer.pid")
kill -KILL "$(cat "run/$1/init.pid")"
timeout 20 tail -s 0.02 --pid="$outer" -f /dev/null
rm -f "run/$1/init.pid" "run/$1/outer.pid"
