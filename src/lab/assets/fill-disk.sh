#!/bin/bash
# Makes a disk of a host full, or gives it its size back. Runs in the lab's namespaces, where the disks are mounted.
# Full is a disk that is as small as what it holds: nothing is written to it and nothing on it is touched.
# Arguments: host, mount point, `full` or `free`.
set -eu
cd "$REFLOAT_LAB_DIR"
# mount's own idea of the other options carries user numbers that a user namespace does not know: --options-mode=ignore
disk=disk/$1${2%/}
size=$(awk -v host="$1" -v path="$2" '$1 == host && $2 == path { print $3 }' disks.list)
if [ "$3" = free ]; then
    mount --options-mode=ignore -o "remount,size=$size" "$disk"
    rm -f "$disk/.refloat-filler"
    exit
fi
# a size of 0 means no limit at all
[ "$(df --output=used -k "$disk" | tail -n 1)" -gt 0 ] || printf full >"$disk/.refloat-filler"
for _ in 1 2 3 4 5 6 7 8 9 10; do
    used=$(df --output=used -k "$disk" | tail -n 1)
    # refused when more was written meanwhile
    ! said=$(mount --options-mode=ignore -o "remount,size=$((used))k" "$disk" 2>&1) || exit 0
done
echo "$said" >&2
exit 1
