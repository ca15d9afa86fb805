#!/bin/bash
# Kills the processes of a name on the host where it runs, and waits until they are gone.
# Arguments: the name; `keep` when their service manager shall not start them again.
set -eu
name=$1
pids=$(pgrep -x "$name") || {
    echo "no process named $name runs there" >&2
    exit 1
}
if [ "${2:-}" = keep ]; then
    if [ -d /run/systemd/system ]; then
        mkdir -p "/run/systemd/system/$name.service.d"
        printf '[Service]\nRestart=no\n' >"/run/systemd/system/$name.service.d/refloat-keep-down.conf"
        systemctl daemon-reload
    elif [ -d "/etc/service/$name" ]; then
        sv once "$name" >/dev/null
    fi
fi
for pid in $pids; do
    kill -KILL "$pid" || true
    timeout 20 tail -s 0.02 --pid="$pid" -f /dev/null
done
