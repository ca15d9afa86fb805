#!/bin/bash
# PID 1 of a lab: its bridge and the disks of its hosts. When it dies, the kernel takes the whole lab away.
# Disks are mounted here and not in the hosts, so that they survive a host's power-off.
# Files: hosts.list (NAME ADDRESS), disks.list (NAME PATH SIZE), owners.list (UID:GID PATH), seed/ and seed.NAME/.
set -eu
cd "$REFLOAT_LAB_DIR"
mount --make-rprivate /
ip link set lo up
ip link add br0 type bridge
ip addr add "$REFLOAT_LAB_BRIDGE" dev br0
ip link set br0 up
if [ -n "$REFLOAT_LAB_CONSUL" ]; then
    mount --bind "$REFLOAT_LAB_CONSUL" bin/consul
fi
while read -r name path size; do
    mkdir -p "disk/$name$path"
    mount -t tmpfs -o "mode=755,size=$size" lab "disk/$name$path"
done <disks.list
while read -r name _; do
    cp -a --no-preserve=ownership seed/. "seed.$name/." "disk/$name/"
    for item in alternatives ld.so.cache ld.so.conf ld.so.conf.d localtime login.defs; do
        [ ! -e "/etc/$item" ] || cp -a --no-preserve=ownership "/etc/$item" "disk/$name/etc/"
    done
    while read -r owner path; do
        chown -R "$owner" "disk/$name$path"
    done <owners.list
done <hosts.list
echo up >state
# Orphans of the hosts end up here, and `wait` reaps them.
sleep infinity &
wait
