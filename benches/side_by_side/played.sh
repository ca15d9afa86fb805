#!/bin/sh
# Makes a bare host of the lab answer as a server of a healthy Consul datacenter does: its files, its service, its process,
# its HTTP API and its program `consul`. All of it stands in the host and goes with the lab. Run as root, with the addresses
# of all servers in the order of their numbers.
set -eu
id() { printf '00000000-0000-4000-8000-%012d' "$1"; }
raft=/var/lib/consul/raft
api=/var/lib/played/v1
mount -t tmpfs none /usr/local/sbin
mkdir -p "$raft" "$api/status" "$api/agent" /etc/sv/consul /var/log/consul
id "$(hostname | tr -dc 0-9)" >/var/lib/consul/node-id
echo help >"$raft/peers.info"
echo log >"$raft/raft.db"
echo begun >/var/log/consul/current
echo "\"$1:8300\"" >"$api/status/leader"
echo '{"Config":{"Datacenter":"dc1"},"Member":{"Tags":{"raft_vsn":"3"}}}' >"$api/agent/self"
number=0 all=
for address; do
    number=$((number + 1))
    all="$all${all:+ }{Suffrage:Voter ID:$(id "$number") Address:$address:8300}"
done
printf '\tlast_log_index = 240\n\tlast_snapshot_index = 0\n\tlatest_configuration = [%s]\n' "$all" >/var/lib/played/info
printf '#!/bin/sh\ncat /var/lib/played/info\n' >/usr/local/sbin/consul
chmod 755 /usr/local/sbin/consul
ln -sfn /bin/busybox /var/lib/played/consul
# a process is known by the name of its program file, and busybox by what it is called
cat >/etc/sv/consul/run <<'RUN'
#!/bin/bash
exec -a busybox /var/lib/played/consul httpd -f -p 127.0.0.1:8500 -h /var/lib/played
RUN
chmod 755 /etc/sv/consul/run
ln -sfn ../sv/consul /etc/service/consul
tries=0
until busybox wget -qO- http://127.0.0.1:8500/v1/status/leader >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ]
    sleep 0.1
done
