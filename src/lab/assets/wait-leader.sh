#!/bin/bash
# Waits until all named hosts tell of the same Consul leader. Runs in the lab's namespaces.
# Arguments: seconds, then hosts.
limit=$1
shift
cd "$REFLOAT_LAB_DIR" || exit 1
# shellcheck disable=SC2016  # for the inner bash
ask='exec 3<>/dev/tcp/127.0.0.1/8500 && printf "GET /v1/status/leader HTTP/1.0\r\n\r\n" >&3 && cat <&3'
if [ -e token ]; then
    export CONSUL_HTTP_ADDR=https://127.0.0.1:8501 CONSUL_CACERT=tls/ca.pem CONSUL_HTTP_TOKEN
    CONSUL_HTTP_TOKEN=$(<token)
    # shellcheck disable=SC2016
    ask='bin/consul info | sed -n "s/.*leader_addr = \(.*\)/\"\1\"/p"'
fi
until
    said=$(for name in "$@"; do
        line=$(nsenter -n -t "$(cat "run/$name/init.pid")" timeout 5 bash -c "$ask" | tail -n 1)
        echo "${line:-no answer}"
    done 2>/dev/null | sort -u)
    [[ $said =~ ^\"[0-9.]+:[0-9]+\"$ ]]
do
    if ((SECONDS >= limit)); then
        echo "$said" >&2
        exit 1
    fi
    sleep 0.05
done
