#!/bin/sh
# `make bench`: refloat, an unguarded floor and its peers side by side on a farm of real sshds. The peers are installed
# into target/peers; where that fails the others are measured without them, and the table says so. What takes part is in
# benches/side_by_side. ROUNDS is 5 if it is not given; ONLY names workloads.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
sh tests/packages.sh bench
if [ ! -x target/peers/bin/pyinfra ] || [ ! -x target/peers/bin/ansible-playbook ]; then
    echo "Installing the peers, pyinfra and ansible-core, into target/peers"
    mkdir -p target
    if ! { python3 -m venv target/peers && target/peers/bin/pip install --quiet pyinfra==3.10.0 ansible-core==2.19.14; }; then
        echo "The peers cannot be installed: measuring without them" >&2
    fi
fi
# nothing is built while it measures
cargo bench --locked --bench side_by_side --no-run
exec cargo bench --locked --bench side_by_side -- --rounds "${ROUNDS:-5}" ${ONLY:+--only "$ONLY"}
