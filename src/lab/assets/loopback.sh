#!/bin/bash
# Keeps the sshd and services of a lab without namespaces. When it dies, so do they.
# Argument: the lab's id. Files: hosts.list (NAME ADDRESS), sshd/ID/NAME (configuration), sv/ID/NAME/ (services).
set -eu
cd "$REFLOAT_LAB_DIR"
echo $$ >outer.pid
while read -r name _; do
    mkdir -p "run/$name"
    setpriv --pdeathsig KILL "$(command -v sshd)" -D -e -f "$PWD/sshd/$1/$name" >"run/$name/log" 2>&1 &
    setpriv --pdeathsig HUP runsvdir -P "$PWD/sv/$1/$name" >/dev/null 2>&1 &
done <hosts.list
echo up >state
wait
