#!/bin/sh
# `make test`: all groups of tests, one after the other, with the time of each. A group that fails does not hide what the
# next ones say; only what cannot be built ends at once. A tier that this machine has not (namespaces, sshd, consul) is
# skipped and said so; REFLOAT_REQUIRE (a comma-separated list) makes it a failure.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
times=''
failed=''
started=$(date +%s)
# What the tests of one core do at the same time where they work, and where they wait for elections, timeouts and restarts.
cores=$(nproc)
[ "$cores" -le 4 ] || cores=4
RUST_TEST_THREADS=${RUST_TEST_THREADS-$cores}
export RUST_TEST_THREADS
waiting='recovery drill lab watch talk transport'

group() { # NAME COMMAND...
    name=$1
    shift
    printf '\n== %s\n' "$name"
    begin=$(date +%s)
    ended=ok
    "$@" || {
        ended=FAILED
        failed="$failed $name"
    }
    times="$times$(printf '%-14s %5d s  %s' "$name" $(($(date +%s) - begin)) "$ended")
"
}

build() {
    cargo build --locked && cargo test --locked --no-run
}

lint() {
    cargo fmt --check && rustfmt --check --edition 2024 src/action/*.rs && cargo clippy --locked --all-targets -- -D warnings && scripts
}

scripts() {
    if command -v shellcheck >/dev/null; then
        git ls-files -z '*.sh' .ci/run ':!tests/corpus/wrong' | xargs -0 shellcheck && echo "shellcheck: ok"
    else
        echo "SKIPPED, tier shellcheck: it is not here" >&2
    fi
}

unit() {
    cargo test --locked --lib --bins && cargo test --locked --doc
}

# The tests of modules of the integration binary.
modules() { # MODULE...
    tests=''
    for module in "$@"; do
        found=$(cargo test --locked --quiet --test all -- --list | sed -n "s/^\($module::.*\): test\$/\1/p")
        [ -n "$found" ] || echo "the module $module has no tests"
        tests="$tests $found"
    done
    # shellcheck disable=SC2086  # one word per test
    [ -z "${tests# }" ] || cargo test --locked --test all -- --exact $tests
}

labs() {
    # shellcheck disable=SC2086  # one word each
    RUST_TEST_THREADS=$((RUST_TEST_THREADS * 2)) modules $waiting
}

demo() {
    target=${CARGO_TARGET_DIR:-target}
    REFLOAT_BIN=$target/debug/refloat sh tests/demo-twice.sh
}

finish() {
    printf '\nTimes:\n%s%-14s %5d s\n' "$times" all $(($(date +%s) - started))
    [ -z "$failed" ] || {
        echo "FAILED:$failed"
        exit 1
    }
    echo "all groups are ok"
}

group packages sh tests/packages.sh test
[ -z "$failed" ] || finish
group build build
[ -z "$failed" ] || finish
group lint lint
group unit unit
group labs labs
# Each other module is a group, so none can be forgotten.
others=$(sed -n 's/^mod \([a-z_]*\);$/\1/p' tests/main.rs)
for module in $others; do
    case " $waiting support " in
        *" $module "*) ;;
        *) group "$module" modules "$module" ;;
    esac
done
group demo demo
finish
