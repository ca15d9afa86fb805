# shellcheck shell=sh
# shellcheck disable=SC2046,SC3013
# Follows a file from a place on: FILE MARK INODE OFFSET CKSUM N; INODE 0 for a file that did not exist.
# Its bytes go to standard output as they are, with lines of our own between them, each after a newline:
#   MARK at INODE OFFSET CKSUM:N   what follows is from there
#   MARK gap WHY                   lines may be missing here
# Never `tail -F`: it loses what is written to the old file after a rename, and busybox's loses whole files.
set +e
nl='
'
f=$1 mark=$2 ino=$3 off=$4 sum=$5 len=$6
inode() { set -- $(ls -di -- "$1" 2>/dev/null); I=${1:-0}; }
print() { P=$(dd bs="$(($2+($2==0)))" count="$(($2>0))" <"$1" 2>/dev/null | cksum); P=${P%% *}; }
size() { Z=$(wc -c <"$1" 2>/dev/null) || Z=0; Z=$((Z)); }
pos() { while read -r k v; do [ "$k" = pos: ] && { O=$v; return; }; done </proc/self/fdinfo/3; }
nap() { sleep 0.1 2>/dev/null || sleep 1; }
# a sibling that was made by a rotation; packed ones cannot be read
sibling() { case $1 in *.gz|*.xz|*.bz2|*.zst|*.lz4) return 1;; esac; [ -f "$1" ]; }
know() { case $known in *" $1 "*) return 1;; esac; known="$known$1 "; }
say() { printf '\n%s %s\n' "$mark" "$*"; }
# goes on in file $1 at $2
at() {
  exec 3<"$1" || return 1
  [ "$2" = 0 ] || dd bs=1 skip="$2" count=0 <&3 2>/dev/null
  inode "$1"; know "$I"; size "$1"
  len=$Z; [ "$len" -le 256 ] || len=256
  print "$1" "$len"; sum=$P
  say "at $I $2 $sum:$len"
}
same() { size "$1"; [ "$Z" -ge "$2" ] || return 1; print "$1" "$len"; [ "$P" = "$sum" ]; }
# the copy that logrotate made before it emptied the file: known by its first bytes, not by its time
copy() {
  for c in "$f".* "$f"-*; do
    sibling "$c" && [ "$len" -gt 0 ] && same "$c" "$1" && { C=$c; return 0; }
  done
  return 1
}
# the file was emptied after we had read $1 bytes
emptied() {
  if copy "$1"; then at "$C" "$1" && cat <&3
  else say "gap the file was truncated and no copy of it was found"; fi
  while [ ! -f "$f" ]; do nap; done
  at "$f" 0
}
await() { while [ ! -f "$f" ]; do nap; done; at "$f" "$1"; }

known=' ' old=
inode "$f"; now=$I
if [ "$ino" != 0 ] && [ "$now" != "$ino" ]; then
  for c in "$f".* "$f"-*; do sibling "$c" && { inode "$c"; [ "$I" = "$ino" ] && old=$c; }; done
fi
# what was there before, and is not younger than where we begin, holds old lines only
for c in "$f".* "$f"-*; do sibling "$c" && ! { [ -n "$old" ] && [ "$c" -nt "$old" ]; } && { inode "$c"; know "$I"; }; done

if [ "$ino" = 0 ]; then await 0
elif [ "$now" = "$ino" ]; then
  if same "$f" "$off"; then at "$f" "$off"; else emptied "$off"; fi
elif [ -n "$old" ] && same "$old" "$off"; then at "$old" "$off" # rotated since
elif copy "$off"; then at "$C" "$off"
else say "gap the file of the cursor is gone"; await 0
fi
n=0
while :; do
  cat <&3 || exit
  if [ "$f" -ef /proc/self/fd/3 ]; then
    n=$((n+1))
    if [ $((n%4)) = 0 ]; then # smaller, or emptied and grown again
      pos
      same "$f" "$O" || emptied "$O"
    fi
  elif [ -f "$f" ]; then # renamed and made anew; the writer may still hold the old file: drain it, then move on
    nap; cat <&3
    # a file that was made and rotated between two looks; oldest first
    IFS=$nl
    # shellcheck disable=SC2045
    for c in $(ls -tr -- "$f".* "$f"-* 2>/dev/null); do # the order is the point; newlines in names are not supported
      unset IFS
      sibling "$c" || continue
      inode "$c"
      if know "$I"; then at "$c" 0; cat <&3; fi
    done
    unset IFS
    at "$f" 0
    continue
  fi
  nap
done
