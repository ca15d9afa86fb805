#!/bin/sh
# Finds the Debian packages that the demo or the tests need and this machine has not. Root gets them installed; an
# ordinary user is told the one line to type. What is there already is judged by the program, not by the package.
#
# Usage: packages.sh build|demo|test|bench
set -eu
what=$1
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
missing=

needs() { # PACKAGE PROGRAM...
    package=$1
    shift
    for program in "$@"; do
        case $program in
            /*) [ -e "$program" ] && continue ;;
            *) command -v "$program" >/dev/null && continue ;;
        esac
        missing="$missing $package"
        return
    done
}

am_root() {
    [ "$(id -u)" = 0 ]
}

if [ -z "${REFLOAT_BIN-}" ]; then
    needs gcc cc
    needs libc6-dev /usr/include/stdio.h
fi
case $what in
    demo | test | bench)
        needs openssh-client ssh ssh-keygen
        needs openssh-server sshd
        needs runit runsvdir sv svlogd
        needs util-linux unshare nsenter setsid setpriv
        needs mount mount
        needs iproute2 ip
        needs procps pgrep
        needs mawk awk
        needs bash bash
        if am_root; then needs sudo sudo; fi
        ;;
esac
if [ "$what" = bench ]; then
    needs python3 python3
    python3 -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"
fi
if [ "$what" = test ]; then
    needs busybox-static busybox
    needs mksh mksh
    needs zsh zsh
    needs fish fish
    needs tcsh tcsh
    needs strace strace
    needs perl-base perl
    needs shellcheck shellcheck
    needs nginx-light nginx
    needs haproxy haproxy
    needs socat socat
    if am_root; then
        needs systemd systemctl journalctl
        needs podman podman
        # crun wants what the cgroups of many machines are not yet
        needs runc runc
    fi
fi

if [ -n "$missing" ]; then
    missing=${missing# }
    if ! command -v apt-get >/dev/null; then
        echo "Missing here, by the names that Debian gives them: $missing" >&2
        exit 1
    fi
    if ! am_root; then
        {
            echo "Packages are missing. Please type, and then start this again:"
            echo "    sudo apt-get install --no-install-recommends $missing"
            case " $missing " in
                *" openssh-server "*)
                    echo "(The package openssh-server starts an sshd of this machine; this needs the program only, so"
                    echo "\`sudo systemctl disable --now ssh\` is fine.)"
                    ;;
            esac
        } >&2
        exit 1
    fi
    echo "Installing what is missing: $missing"
    # No service is started for this: dpkg asks policy-rc.d, and 101 means no.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        trap 'rm -f $policy' EXIT
        trap 'exit 130' INT TERM HUP
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
    fi
    log=$(mktemp)
    # A source that does not answer may be one that is not needed: the installation decides.
    # shellcheck disable=SC2086  # one word per package
    if ! {
        apt-get -o Acquire::Retries=3 update || true
        DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=180 -o Acquire::Retries=3 \
            install -y --no-install-recommends $missing
    } >"$log" 2>&1 </dev/null; then
        tail -n 30 "$log" >&2
        rm -f "$log"
        echo "The installation failed." >&2
        exit 1
    fi
    rm -f "$log"
    case " $missing " in
        *" openssh-server "*)
            if [ -d /run/systemd/system ] && systemctl disable ssh.service ssh.socket >/dev/null 2>&1; then
                echo "The sshd of this machine stays off: \`systemctl enable --now ssh\` turns it on."
            fi
            ;;
    esac
fi

if [ -z "${REFLOAT_BIN-}" ] && ! command -v cargo >/dev/null && [ ! -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
    echo "Rust is missing: 1.95 or newer, for example from https://rustup.rs" >&2
    exit 1
fi
