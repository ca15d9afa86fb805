#!/bin/bash
# Waits until a server of SSH answers at each place. Arguments: seconds, then ADDRESS:PORT.
limit=$1
shift
answers() {
    exec 3<>"/dev/tcp/${1%:*}/${1#*:}" && read -r -t 2 line <&3 && [[ $line == SSH-* ]]
}
for place in "$@"; do
    until (answers "$place") 2>/dev/null; do
        if ((SECONDS >= limit)); then
            echo "$place is silent" >&2
            exit 1
        fi
        sleep 0.02
    done
done
