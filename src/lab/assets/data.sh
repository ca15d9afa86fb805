#!/bin/bash
# Keeps a copy of a host's data, or puts it back. Runs in the lab's namespaces, where the disks are mounted.
# Arguments: host, folder on its disk, the process that writes there, `keep` or `back`.
set -eu
cd "$REFLOAT_LAB_DIR"
data=disk/$1$2 copy=kept/$1
if [ "$4" = back ]; then
    [ -e "$copy" ] || {
        echo "no copy of $2 was kept" >&2
        exit 1
    }
    rm -rf "$data"
    cp -a "$copy" "$data"
    exit
fi
# the copy is of one moment, as a snapshot of the disk would be
pids=$([ ! -e "run/$1/init.pid" ] || pgrep --ns "$(cat "run/$1/init.pid")" --nslist pid -x "$3" || true)
for pid in $pids; do
    kill -STOP "$pid"
done
for pid in $pids; do
    while cat "/proc/$pid/task/"*/stat 2>/dev/null | sed 's/.*) //' | grep -qv '^[TtZX]'; do
        sleep 0.01
    done
done
rm -rf "$copy"
mkdir -p kept
ended=0
cp -a "$data" "$copy" || ended=$?
for pid in $pids; do
    kill -CONT "$pid"
done
exit "$ended"
