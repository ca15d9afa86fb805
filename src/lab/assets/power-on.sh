#!/bin/bash
# Starts the named hosts and gives each its network card. Runs in the lab's namespaces.
set -eu
cd "$REFLOAT_LAB_DIR"
unshare=(unshare -n -m -p -u -i)
[ "$REFLOAT_LAB_CLASS" != systemd ] || unshare+=(-C)
for name in "$@"; do
    if [ -e "run/$name/outer.pid" ] && kill -0 "$(cat "run/$name/outer.pid")" 2>/dev/null; then
        echo "$name has power already" >&2
        exit 1
    fi
    mkdir -p "run/$name"
    rm -f "run/$name"/*
    mkfifo "run/$name/made" "run/$name/wired"
    (
        if [ "$REFLOAT_LAB_CLASS" = systemd ]; then
            # A cgroup of its own, entered before the namespace is made, so that it becomes the host's root.
            for root in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
                [ -e "$root/cgroup.procs" ] || continue
                mkdir -p "$root/$REFLOAT_LAB_ID/$name"
                echo "$BASHPID" >"$root/$REFLOAT_LAB_ID/$name/cgroup.procs"
            done
        fi
        exec setsid "${unshare[@]}" --fork --kill-child=KILL bash script/host.sh "$name"
    ) </dev/null >"run/$name/log" 2>&1 &
    echo $! >"run/$name/outer.pid"
done
for name in "$@"; do
    exec 3<>"run/$name/made"
    if ! read -r -t 20 _ <&3; then
        echo "$name did not start: $(tail -n 3 "run/$name/log")" >&2
        exit 1
    fi
    outer=$(cat "run/$name/outer.pid")
    read -r index address < <(awk -v name="$name" '$1 == name { print NR, $2 }' hosts.list)
    card=v$index
    # as on real hosts the hardware address stays the same, or the others would look for the old one
    # shellcheck disable=SC2086  # one word per number
    mac=$(printf '02:00:%02x:%02x:%02x:%02x' ${address//./ })
    # the kernel takes the card of a host without power away when it has time
    ip link del "$card" 2>/dev/null || :
    ip link add "$card" master br0 type veth peer name eth0 address "$mac" netns "$outer"
    ip link set "$card" up
    read -r init _ <"/proc/$outer/task/$outer/children" || [ -n "$init" ]
    echo "$init" >"run/$name/init.pid"
    echo wired >"run/$name/wired"
    exec 3<&-
done
