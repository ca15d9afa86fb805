#!/bin/sh
# `make demo`, twice in a row from a clean checkout: as who this is, and, when that is root, as an ordinary user too.
# HOME and TMPDIR are folders of the test, so that whatever is left shows. REFLOAT_BIN is not built again for each.
set -eu
[ -n "${REFLOAT_BIN-}" ] || {
    echo "REFLOAT_BIN must name a refloat" >&2
    exit 2
}
work=$(mktemp -d /tmp/refloat-demos.XXXXXX)
trap 'wait; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
chmod 755 "$work"
cp "$REFLOAT_BIN" "$work/refloat"
cd "$(dirname "$0")/.."
# Consul is fetched once, not once for each.
target=${CARGO_TARGET_DIR:-target}
cached=$target/tmp/refloat/consul/usr/bin/consul
if [ -z "${REFLOAT_CONSUL-}" ] && [ -x "$cached" ]; then
    cp "$cached" "$work/consul"
    REFLOAT_CONSUL=$work/consul
fi
interfaces=$(ls /sys/class/net)
mounts=$(sort /proc/self/mounts)

demos() { # NAME [COMMAND THAT BECOMES THE USER...]
    name=$1
    place=$work/$name
    shift
    mkdir "$place" "$place/home" "$place/tmp" "$place/project"
    sources | xargs -0 cp --parents -t "$place/project"
    find "$place/project" | sort >"$work/$name.files"
    [ $# = 0 ] || chown -R "$uid:$uid" "$place"
    for time in first second; do
        if ! (
            umask 022
            cd "$place/project"
            exec "$@" env -i PATH="$PATH" HOME="$place/home" TMPDIR="$place/tmp" LANG=C.UTF-8 REFLOAT_BIN="$work/refloat" \
                ${REFLOAT_CONSUL:+REFLOAT_CONSUL="$REFLOAT_CONSUL"} make demo
        ) >"$work/$name.log" 2>&1 </dev/null; then
            cat "$work/$name.log"
            exit 1
        fi
        echo "make demo, the $time time, as $name: $(sed -n 's/^== Recovery/recovery/p' "$work/$name.log")"
    done
    # nothing may be left in any of the places; what `make` builds and fetches is in target
    rm -rf "$place/project/target"
    find "$place/project" | sort | cmp - "$work/$name.files"
    left=$(find "$place/home" "$place/tmp" -mindepth 1)
    [ -z "$left" ] || gone "files" "$left"
    echo "$place" >"$work/pattern"
    # shellcheck disable=SC2062  # these are files
    left=$(grep -lsF --file="$work/pattern" /proc/[0-9]*/cmdline /proc/[0-9]*/environ /proc/[0-9]*/mountinfo) || true
    [ -z "$left" ] || gone "processes" "$left"
    if [ $# != 0 ]; then
        # the dead ones wait for this machine's init only
        left=$(ps -o pid=,stat=,args= -u "$uid" | awk '$2 !~ /^Z/') || true
        [ -z "$left" ] || gone "processes" "$left"
        left=$(find / -xdev -path "$work" -prune -o -path /proc -prune -o -uid "$uid" -print 2>/dev/null)
        [ -z "$left" ] || gone "files" "$left"
    fi
    [ "$(ls /sys/class/net)" = "$interfaces" ] || gone "interfaces" "$(ls /sys/class/net)"
    [ "$(sort /proc/self/mounts)" = "$mounts" ] || gone "mounts" "$(cat /proc/self/mounts)"
}

# The project's own files, without what git ignores.
sources() {
    if [ -e .git ]; then
        git ls-files -z --cached --others --exclude-standard
    else
        find . -path ./target -prune -o -type f -print0
    fi
}

gone() {
    echo "the demo as $name leaves $1 behind: $2" >&2
    exit 1
}

if [ "$(id -u)" != 0 ]; then
    demos "$(id -un)"
    exit 0
fi
# both at the same time: most of it is waiting
demos root &
root=$!
# somebody whom this machine does not know; ssh wants a name, which only this test's processes see
uid=64123
while getent passwd $uid >/dev/null || [ -n "$(ps -o pid= -u $uid)" ]; do uid=$((uid + 1)); done
{
    cat /etc/passwd
    echo "refloat-demo:x:$uid:$uid::$work/an-ordinary-user/home:/bin/sh"
} >"$work/passwd"
# shellcheck disable=SC2016  # for the inner shell
set -- unshare --mount sh -c 'mount --bind "$0" /etc/passwd && exec "$@"' "$work/passwd" \
    setpriv --reuid=$uid --regid=$uid --clear-groups --inh-caps=-all
if why=$("$@" unshare --user --map-root-user --net --mount mount -t tmpfs probe /tmp 2>&1); then
    demos an-ordinary-user "$@"
else
    echo "SKIPPED, tier user-namespaces: ordinary users may not make namespaces here: $why" >&2
    case ,${REFLOAT_REQUIRE-}, in *,user-namespaces,*) exit 1 ;; esac
fi
wait $root
