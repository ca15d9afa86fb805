#!/bin/bash
# Makes the lab's outer namespaces. The recorded process is the one whose death ends the lab.
# Arguments: the lab's folder and id, then unshare's own arguments. The id stays visible in the command line.
set -eu
cd "$1"
id=$2
shift 2
echo $$ >outer.pid
exec unshare "$@" --mount-proc --fork --kill-child=KILL bash script/outer.sh "$id" </dev/null >outer.log 2>&1
