#!/bin/bash
# The first process of a host: mounts its file systems, waits for its network card, becomes its init.
set -eu
name=$1
cd "$REFLOAT_LAB_DIR"
read -r address < <(awk -v name="$name" '$1 == name { print $2 }' hosts.list)
mount --make-rprivate /
mount --rbind "disk/$name" "disk/$name"
exec 3<>"run/$name/wired"
made=$PWD/run/$name/made bin=$PWD/bin
walls=$(awk -v name="$name" '$1 == name { print $2 }' walls.list 2>/dev/null || true)
cd "disk/$name"
mount --rbind -o ro /usr usr
mkdir -p dev run tmp proc old opt/lab/bin
mount --rbind -o ro "$bin" opt/lab/bin
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=1777 tmp tmp
mount -t tmpfs -o mode=755 dev dev
mkdir -p run/sshd run/lock run/runit dev/pts dev/shm
chmod 1777 dev/shm run/lock
for device in null zero full random urandom tty; do
    : >"dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for stream in stdin:0 stdout:1 stderr:2; do
    ln -s "/proc/self/fd/${stream#*:}" "dev/${stream%:*}"
done
mount -t proc proc proc
hostname "$name"
ip link set lo up
echo made >"$made"
read -r -t 20 _ <&3
exec 3<&-
ip addr add "$address/16" dev eth0
ip link set eth0 up
ip route add default via "$REFLOAT_LAB_GATEWAY"
for other in $walls; do
    ip route replace blackhole "$other/32"
done
if [ "$REFLOAT_LAB_MODE" = user ]; then
    echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
fi
# /proc shows the machine's own switches: nobody in a host may turn them.
for path in proc/sys proc/sysrq-trigger; do
    [ -e "$path" ] || continue
    mount --bind "$path" "$path"
    mount -o remount,bind,ro "$path"
done
if [ "$REFLOAT_LAB_CLASS" = systemd ]; then
    # made here and read-only, or systemd would mount the machine's own, with all its controllers, and write there
    mount -t sysfs -o ro sysfs sys
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        mount -t cgroup2 cgroup2 sys/fs/cgroup
    else
        mount -t tmpfs -o mode=755 cgroup sys/fs/cgroup
        mkdir sys/fs/cgroup/systemd sys/fs/cgroup/unified
        mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
        mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
        mount -o remount,bind,ro sys/fs/cgroup
    fi
fi
pivot_root . old
cd /
umount -l /old
rmdir /old
clean=(env -i PATH=/opt/lab/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 container=lab)
# What would reach the machine through a real root: its clock, its kernel, its hardware.
guard=(setpriv --bounding-set="-sys_time,-sys_module,-sys_rawio,-mknod")
case $REFLOAT_LAB_CLASS-$REFLOAT_LAB_MODE in
    systemd-root) exec "${clean[@]}" "${guard[@]}" /usr/lib/systemd/systemd --system --unit=lab.target --show-status=no --log-target=console ;;
    runit-root) exec "${clean[@]}" "${guard[@]}" /bin/bash /opt/lab/init ;;
    # sshd refuses to be a root that is not one: the single user of such a host is uid 1000
    *) exec "${clean[@]}" unshare -U --map-user=1000 --map-group=1000 /bin/bash /opt/lab/init ;;
esac
