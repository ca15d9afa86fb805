#!/bin/sh
# The demo: a Consul datacenter on this machine loses two of its three servers, and a runbook brings it back.
#
# Everything is in one temporary folder, the lab's hosts are in namespaces of their own, and at the end the script looks
# whether anything is left. REFLOAT_BIN names a refloat that is built already.
set -eu
[ -z "${REFLOAT_BIN-}" ] || REFLOAT_BIN=$(realpath "$REFLOAT_BIN")
cd "$(dirname "$0")/.."
sh tests/packages.sh demo

say() { printf '\n== %s\n' "$*"; }
short() { printf '%.12s' "$1"; }
quote() { sed 's/^/   | /'; }
fail() {
    printf '\nThe demo failed: %s\n' "$*" >&2
    exit 1
}

# Ordinary users may be forbidden to make namespaces, and that is better known before the build than after it.
namespaces() {
    unshare "$@" --net --mount --pid --fork --mount-proc mount -t tmpfs probe /tmp
}
if ! why=$(namespaces --user --map-root-user 2>&1); then
    if [ "$(id -u)" != 0 ]; then
        echo "This machine forbids namespaces to ordinary users (${why})." >&2
        echo "Be root, or allow them: sysctl kernel.unprivileged_userns_clone=1, or on Ubuntu" >&2
        echo "kernel.apparmor_restrict_unprivileged_userns=0" >&2
        exit 1
    fi
    namespaces 2>&1 || fail "namespaces are forbidden here, even to root"
fi

mkdir -p "${CARGO_TARGET_DIR:=target}"
target=$(realpath "$CARGO_TARGET_DIR")
if [ -z "${REFLOAT_BIN-}" ]; then
    say "Building refloat"
    PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
    cargo build --locked --bin refloat
    REFLOAT_BIN=$target/debug/refloat
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/refloat-demo.XXXXXX")
interfaces() { ls /sys/class/net; }
had_interfaces=$(interfaces)

# What is ours has the folder in its environment or in its command line, so that it can be found at the end.
refloat() {
    XDG_RUNTIME_DIR=$dir XDG_CACHE_HOME=$target/tmp USER=${USER:-$(id -un)} \
        "$REFLOAT_BIN" --state "$dir/state" "$@"
}
lab() { refloat lab --dir "$dir/lab" "$@"; }
on() { # HOST COMMAND...
    host=$1
    shift
    lab ssh "$host" "$*"
}

clean_up() {
    trap - EXIT
    trap '' INT TERM HUP
    if [ -d "$dir/lab" ]; then
        lab down >/dev/null 2>&1 || true
    fi
    rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say "Three Consul servers, each a host of its own: namespaces, an sshd, a service manager"
lab up 3

say "100 keys are written"
# what `consul kv import` reads; values are in base64
n=0
while [ $n -lt 100 ]; do
    n=$((n + 1))
    [ $n = 1 ] && printf '[' || printf ','
    printf '{"key":"demo/%03d","flags":0,"value":"%s"}' $n "$(printf 'value %d' $n | base64)"
done >"$dir/keys.json"
echo ']' >>"$dir/keys.json"
on consul-1 consul kv import - <"$dir/keys.json" | tail -n 2 | quote
on consul-1 consul kv export demo/ >"$dir/before.json"
[ "$(grep -c '"key"' "$dir/before.json")" = 100 ] || fail "100 keys were to be written"

say "The outage: consul-2's server is killed and stays down, consul-3 loses its power"
lab break kill consul-2 consul keep-down
lab break power-off consul-3
outage=$(date +%s)
# the survivor needs a moment to notice that it is alone
until on consul-1 consul operator raft list-peers 2>&1 | tee "$dir/said" | grep -q "No cluster leader"; do
    [ $(($(date +%s) - outage)) -lt 90 ] || fail "there is a leader although two of three servers are gone"
done
echo '   $ consul operator raft list-peers'
quote <"$dir/said"
echo '   $ consul kv put demo/lost x'
if on consul-1 consul kv put demo/lost x >"$dir/said" 2>&1; then
    fail "the datacenter takes writes although two of three servers are gone"
fi
quote <"$dir/said"

set -- runbooks/consul/quorum-loss.yaml -i "$dir/lab/inventory.yaml" -p 'lost=consul-[2:3]' -p canary_key=demo/001
plan=$(refloat --output json plan "$@" | sed -n 's/^  "plan": "\([0-9a-f]*\)".*/\1/p')
[ -n "$plan" ] || fail "there is no plan"
say "The runbook is run; without a person at the terminal its question is answered for plan $(short "$plan") only"
began=$(date +%s)
lab run -- "$REFLOAT_BIN" --state "$dir/state" run "$@" --confirm "dc1@$plan" --reason "make demo" </dev/null
recovered=$(date +%s)

say "The evidence"
on consul-1 consul kv export demo/ >"$dir/after.json"
cmp "$dir/before.json" "$dir/after.json" >&2 || fail "the keys are not what they were"
echo "all 100 keys are there, with their values"
echo '   $ consul kv put demo/after x'
on consul-1 consul kv put demo/after x 2>&1 | quote
[ "$(on consul-1 consul kv get demo/after)" = x ] || fail "a new key cannot be read back"
echo '   $ consul operator raft list-peers'
on consul-1 consul operator raft list-peers >"$dir/said"
quote <"$dir/said"
[ "$(awk 'NR > 1 { print $1, $4 }' "$dir/said")" = "consul-1 leader" ] || fail "consul-1 was to be the only server"
echo "consul-2 cannot come back with its old data:"
echo '   $ ls /var/lib'
on consul-2 'ls -d /var/lib/consul*' | quote
! on consul-2 test -e /var/lib/consul || fail "consul-2 still has its data"
echo "the journal is whole:"
refloat report --verify | quote

say "Recovery took $((recovered - began)) s; the outage lasted $((recovered - outage)) s"

lab down
rm -rf "$dir"
left=
if [ -e "$dir" ]; then left="$left the folder $dir;"; fi
if grep -qsF "$dir" /proc/self/mountinfo; then left="$left mounts;"; fi
# by a file and not by an argument, or the search would find itself
echo "$dir" >"$dir.name"
# shellcheck disable=SC2062  # these are files
processes=$(grep -lsF --file="$dir.name" /proc/[0-9]*/cmdline /proc/[0-9]*/environ) && left="$left processes ($processes);"
rm "$dir.name"
new=$(interfaces | grep -vxF -e "$had_interfaces" | grep -xE 'br0|v[0-9]+') && left="$left interfaces ($new);"
[ -z "$left" ] || fail "this is left:$left"
say "Nothing is left: no process, no mount, no interface, no file"
