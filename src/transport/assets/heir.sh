# shellcheck shell=sh
# Waits for the end of its owner, then sees to it that the masters of the folder $1 end, and removes the folder. $2 is ssh.
# A master ends by itself when its runner does; but while a stream that it opens gets no answer it would wait for minutes.
trap '' INT TERM HUP QUIT
while read -r _; do :; done
nap() { sleep 0.1 2>/dev/null || sleep 1; }
n=0
while [ -d "$1" ] && ! rmdir -- "$1" && [ "$n" -lt 200 ]; do
  [ "$n" -ne 30 ] || for socket in "$1"/*; do
    [ ! -S "$socket" ] || "$2" -F none -S "$socket" -O exit refloat
  done
  n=$((n + 1))
  nap
done
