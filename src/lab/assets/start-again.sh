#!/bin/bash
# Starts a service that was killed and kept down. Argument: its name.
set -eu
if [ -d /run/systemd/system ]; then
    rm -rf "/run/systemd/system/$1.service.d/refloat-keep-down.conf"
    systemctl daemon-reload
    systemctl start "$1"
else
    sv start "$1" >/dev/null
fi
