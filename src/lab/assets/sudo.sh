#!/bin/bash
# A stand-in for sudo on hosts that have one user only: takes sudo's words and runs the command as that user.
while [ $# -gt 0 ]; do
    case $1 in
        -n | -S | -H | -E | -k | -b | --non-interactive | --set-home) shift ;;
        -u | -g | -p | --user | --group | --prompt) shift 2 ;;
        -u* | --user=* | -g* | --group=*) shift ;;
        -v | -l | --validate | --list) exit 0 ;;
        --) shift; break ;;
        -*) echo "sudo (stand-in): unknown option $1" >&2; exit 1 ;;
        [A-Za-z_]*=*) export "${1?}"; shift ;;
        *) break ;;
    esac
done
[ $# -gt 0 ] || exit 0
exec "$@"
