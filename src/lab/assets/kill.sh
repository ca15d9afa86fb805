#!/bin/bash
# Kills the processes of a name on the host where it runs, and waits until they are gone.
# Arguments: the name; `keep` when their service manager shall not start them again.
set -eu
name=$1
pids=$(pgrep -x "$name") || {
    echo "no process named $name runs there" >&2
    exit 1
}
manager=
if [ "${2:-}" = keep ]; then
    if [ -d /run/systemd/system ]; then
        manager=systemd
    elif [ -d "/etc/service/$name" ]; then
        manager=runit
    fi
fi

# Waits until runsv says so of the service.
until_runsv_says() { # PATTERN
    for _ in $(seq 1000); do
        status=$(sv status "$name") || true
        # shellcheck disable=SC2254  # a pattern it is
        case $status in $1) return ;; esac
        sleep 0.02
    done
    echo "runsv does not follow: $status" >&2
    exit 1
}

case $manager in
systemd)
    mkdir -p "/run/systemd/system/$name.service.d"
    printf '[Service]\nRestart=no\n' >"/run/systemd/system/$name.service.d/refloat-keep-down.conf"
    systemctl daemon-reload
    ;;
runit)
    sv once "$name" >/dev/null
    # the death must find this order read, or runsv starts it once more
    until_runsv_says '*want down*'
    ;;
esac
for pid in $pids; do
    kill -KILL "$pid" || true
    timeout 20 tail -s 0.02 --pid="$pid" -f /dev/null
done
# runsv learns of the death a moment later than we do
[ "$manager" != runit ] || until_runsv_says 'down:*'
