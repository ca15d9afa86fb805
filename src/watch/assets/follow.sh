# shellcheck shell=sh
# shellcheck disable=SC2046,SC2086,SC3013,SC2015,SC2094
# Follows a file from a place on: FILE MARK INODE OFFSET CKSUM N; INODE 0 for a file that did not exist.
# Its bytes go to standard output as they are, with lines of our own between them, each after a newline that is ours too:
#   MARK at INODE OFFSET        what follows is from there, in another file
#   MARK copy INODE OFFSET      the same; it goes on where the last `ok` was
#   MARK ok OFFSET CKSUM:N MS   the bytes since the last mark are of the log, and all that it had MS after the boot
#   MARK void                   they are not: the file was emptied while they were read
#   MARK gap WHY                lines may be missing here
#   MARK blind WHY              nothing can be read now; everything will be when it can
# Bytes count only after `ok`, since a file can be emptied and grow again between any two looks: it is what it was when
# its first bytes and the last ones before OFFSET are. Generations that came and went meanwhile are found among its
# siblings. The number of a file that is gone is given to another one, so no sibling is known by its number alone.
# Never `tail -F`: it loses what is written to the old file after a rename, and busybox's loses whole files.
set +e
f=$1 mark=$2 ino=$3 off=$4 sum=$5 len=$6
us=/proc/self/fd/3 svlogd=
[ "${f##*/}" != current ] || svlogd=${f%/*}
inode() { set -- $(ls -diL -- "$1" 2>/dev/null); I=${1:-0}; }
# I: the inode of an open file; as an input, since some shells keep other descriptors from the programs that they start
held() { set -- $(ls -diL -- /proc/self/fd/0 <&"$1"); I=${1:-0}; }
size() { Z=$({ wc -c <"$1"; } 2>/dev/null) || Z=0; Z=$((Z)); }
pos() { while read -r k v; do [ "$k" = pos: ] && { O=$v; return; }; done </proc/self/fdinfo/3; }
nap() { sleep 0.1 2>/dev/null || sleep 1; }
say() { printf '\n%s %s\n' "$mark" "$*"; }
ok() { read -r T _ </proc/uptime; say "ok $off $sum:$len ${T%.*}${T#*.}0"; }
# what files are, LEN:SUM:OFF:LAST: the checksum of the first LEN bytes, and of the last ones before OFF, if it was taken
# known: INODE=WHAT of the files that are of no more interest, as they lie there; read: of what was read, unpacked
known=' ' read=' ' cur=
what() { E=$len:$sum:$off:$last; }
note() {
  k=' '
  for x in $known; do case $x in "$1="*) ;; *) k="$k$x ";; esac; done
  known="$k$1=$2 "
}
# the file that is open as 4 is of no more interest, and an empty one never was; $1: its inode
know() { print /proc/self/fd/4 0 256; n=${P##* }; [ "$n" = 0 ] || note "$1" "$n:${P%% *}:$n:"; }
# whether file $2 with inode $1 is of no more interest
is_known() {
  [ "$off" = 0 ] || ! [ "$2" -ef "$us" ] || return 0
  case $known in *" $1="*) ;; *) return 1;; esac
  { command exec 4<"$2"; } 2>/dev/null || return 0
  e=${known##* "$1="}
  same /proc/self/fd/4 "${e%% *}"; e=$?
  exec 4<&-
  return $e
}
# whether packed file $1 was read before it was packed
was_read() {
  h='' E=
  [ "$off" = 0 ] || what
  for x in $read $E; do
    y=${x#*:} x=${x%%:*}
    [ "$x" = "$h" ] || { print "$1" 0 "$x"; h=$x g=${P%% *}; }
    [ "${y%%:*}" != "$g" ] || ! same "$1" "$x:$y" || return 0
  done
  return 1
}
# those that are not in the folder any more
forget() {
  k=' '
  for x in $known; do case " $S" in *[!0-9]"${x%%=*} "*) k="$k$x ";; esac; done
  known=$k
}
# what was read of the open file is what it was until now
leave() { [ "$off" = 0 ] || [ -z "$cur" ] || { what; read="$read$E "; note "$cur" "$E"; }; }
# what is in the open file now is not what was read
forsake() { leave; off=0 last='' len=0 sum=4294967295; }
packed() { case $1 in *.gz|*.xz|*.bz2|*.zst|*.lz4) return 0;; esac; return 1; }
out() {
  case $1 in
  *.gz) gzip -dc;; *.xz) xz -dc;; *.bz2) bzip2 -dc;; *.zst) zstd -dcq;; *) lz4 -dcq;;
  esac 2>/dev/null
}
# P: checksum and number of the bytes of file $1 from $2 on, at most $3
print() {
  if packed "$1"; then P=$({ out "$1" <"$1" | tail -c "+$(($2+1))" | dd bs=1 count="$3"; } 2>/dev/null | cksum)
  else P=$({ dd bs=1 skip="$2" count="$3" <"$1"; } 2>/dev/null | cksum); fi
}
# N: the length of a fingerprint of so many bytes
cap() { N=$1; [ "$N" -le 256 ] || N=256; }
# whether file $1 is what $2 says
same() {
  q=$1; IFS=:; set -- $2; unset IFS
  [ "$1" = 0 ] || { print "$q" 0 "$1"; [ "$P" = "$2 $1" ] || return 1; }
  [ "$3" != "$1" ] || return 0
  cap "$3"; print "$q" $(($3-N)) "$N"
  [ "$P" = "${4:-${P%% *}} $N" ]
}
# whether it begins as what we read does, and has what we read last
ours() { what; same "$1" "$E"; }
# whether the open file is what it was; then what was read up to O counts
intact() {
  cap "$O"; n=$len p=$sum l=$last
  # the new fingerprints first: when the old ones hold afterwards, these are of the same file
  [ "$N" -le "$n" ] || { n=$N; print "$us" 0 "$n"; p=${P%% *}; }
  [ "$O" = "$off" ] && [ -n "$l" ] || { print "$us" $((O-N)) "$N"; l=${P%% *}; [ "${P##* }" = "$N" ] || return 1; }
  ours "$us" || return 1
  len=$n sum=$p last=$l off=$O
}
# goes on in file $2 at $3, at its beginning as a new one; 1: it cannot be opened, or is not inode $4
enter() {
  { command exec 5<"$2"; } 2>/dev/null || return 1
  held 5; [ "$I" = "${4:-$I}" ] || return 1
  exec 3<&5 5<&-
  leave
  off=$3 cur=$I
  if [ "$off" = 0 ]; then last='' len=0 sum=4294967295
  else
    [ -n "$last" ] || { cap "$off"; print "$us" $((off-N)) "$N"; last=${P%% *}; }
    dd bs=1 skip="$off" count=0 <&3 2>/dev/null
  fi
  say "$1 $I $off"
}
# all that the open file has; 1: it was emptied meanwhile
drain() {
  while :; do
    b=$off
    dd bs=65536 count=16 <&3 2>/dev/null || exit
    pos
    [ "$O" != "$off" ] || return 0
    intact || { say void; return 1; }
    # the first bytes of the file, and others before it that nobody has read
    if [ "$b" = 0 ] && [ "$us" -ef "$f" ] && unread; then
      off=0 last='' len=0; say void; return 1
    fi
    ok
  done
}
# S: the file and all its siblings, as INODE NAME; only what two looks agree on is a list, names move while one looks
snap() { S=$(ls -diL -- "$f" "$f".* "$f"-* ${svlogd:+"$svlogd"/@*} 2>/dev/null); }
# S, without the file, the oldest first: by their numbers, or in the order of their names, which are dates
siblings() {
  while read -r i c; do
    [ -n "$c" ] && [ "$c" != "$f" ] && [ -f "$c" ] || continue
    n=${c#"$f".}
    # while it is being packed there are both
    packed "$c" && { n=${n%.*}; [ "${c%.*}" = "$f" ] || [ ! -f "${c%.*}" ] || continue; }
    case $n in ''|0*|*[!0-9]*|??????*) n=0;; *) n=$((999999-n));; esac
    printf '%s %s %s\n' "$n" "$i" "$c"
  done <<RF_END | sort -s -n -k1,1
$S
RF_END
}
# whether $1 is a copy of what is in the file now, perhaps one that is being made
is_copy() {
  size "$1"; cap "$Z"; z=$Z m=$N
  print "$1" 0 "$m"; p=$P; print "$f" 0 "$m"; [ "$P" = "$p" ] || return 1
  print "$1" $((z-m)) "$m"; p=$P; print "$f" $((z-m)) "$m"; [ "$P" = "$p" ]
}
# L: the siblings that came since, and that nobody has read: INODE NAME
unread() {
  while :; do
    snap; s0=$S L=
    size "$f"; cap "$Z"; n0=$N; print "$f" 0 "$n0"; p0=$P
    while read -r _ i c; do
      [ -n "$c" ] && [ -s "$c" ] && ! is_known "$i" "$c" || continue
      if packed "$c"; then
        # once: it has to be unpacked for that; by what is open, since names move
        was_read "$c" && { command exec 4<"$c"; } 2>/dev/null && {
          held 4; [ "$I" != "$i" ] || know "$i"
          continue
        }
      elif is_copy "$c"; then continue; fi
      L="$L$i $c
"
    done <<RF_END
$(siblings)
RF_END
    snap
    [ "$S" != "$s0" ] || break
  done
  forget
  [ -n "$L" ]
}
# reads a sibling as a whole: INODE NAME; 1: it is another one by now, 2: it was emptied
whole() {
  if [ ! -r "$2" ]; then
    inode "$2"; [ "$I" = "$1" ] || return 1 # it has another name by now
    note "$1" 0::0:; say "gap $2 may not be read"
  elif packed "$2"; then
    { command exec 4<"$2"; } 2>/dev/null || return 1
    held 4; [ "$I" = "$1" ] || return 1
    know "$1"
    # by what is open: names move
    P=$({ out "$2" </proc/self/fd/4 | dd bs=1 count=1; } 2>/dev/null | cksum)
    if [ "${P##* }" = 0 ]; then say "gap $2 was packed before it was read, and cannot be unpacked here"
    else forsake; say "at $1 0"; out "$2" <&4; ok; fi
  else enter at "$2" 0 "$1" && drain; fi
}
# goes through what came and went, and then on to the file itself
onward() {
  while :; do
    unread; again='' l=$L s1=$s0 n1=$n0 p1=$p0
    while read -r i c; do
      [ -n "$c" ] || continue
      whole "$i" "$c" || { again=1; break; }
    done <<RF_END
$l
RF_END
    [ -z "$again" ] || continue
    await; snap
    # else it was rotated or emptied while the others were read
    [ "$l" = '' ] || [ "$S" = "$s1" ] || continue
    enter at "$f" 0 || continue
    print "$us" 0 "$n1"; p=$P; snap
    if [ "$S" != "$s1" ] || { [ "$n1" != 0 ] && [ "$p" != "$p1" ]; }; then unread || return 0
    else return 0; fi
  done
}
# until the file is there and can be read
await() {
  w=0
  until [ -f "$f" ] && [ -r "$f" ]; do
    w=$((w+1))
    if [ $((w%8)) = 4 ]; then # it may just be being rotated
      if [ -f "$f" ]; then say "blind it may not be read"
      elif [ -d "${f%/*}/" ]; then say "blind there is no such file"
      else say "blind its folder is not there"; fi
    fi
    nap
  done
}
# sets old: the sibling that was our file, or is a copy of it: INODE NAME
find_old() {
  while :; do
    snap; s0=$S old=
    while read -r _ i c; do
      [ -n "$c" ] || continue
      if [ "$len" != 0 ] || { [ "$i" = "$ino" ] && ! packed "$c"; }; then ours "$c" && old="$i $c"; fi
    done <<RF_END
$(siblings)
RF_END
    snap
    [ "$S" != "$s0" ] || break
  done
  [ -n "$old" ]
}
# the rest of that sibling; 1: it is another one by now, 2: it was emptied
from_old() {
  i=${old%% *} c=${old#* }
  if packed "$c"; then
    { command exec 4<"$c"; } 2>/dev/null || return 1
    held 4; [ "$I" = "$i" ] || return 1
    know "$I"; say "copy $I $off"; out "$c" <&4 | tail -c "+$((off+1))"; ok; forsake
  else
    enter copy "$c" "$off" "$i" || return 1
    drain || return 2
  fi
}
# whether what was read can be looked at again, or there is another file by now that can be read
readable() { [ -r "$us" ] || { [ -r "$f" ] && ! [ "$f" -ef "$us" ]; }; }
# waits until it is so; 1: it is another file
unlock() {
  w=0
  until readable; do
    w=$((w+1)); [ $((w%8)) != 4 ] || say "blind it may not be read"
    nap
  done
  [ -r "$us" ] && enter copy "$us" "$off"
}
# the file was emptied after we had read some of it, or seems so since it may not be read any more; when we had read nothing, its copy is one more sibling
emptied() {
  readable || ! unlock || return 0
  [ "$off" = 0 ] || carry_on
  onward
}
# what is left of our file in its copy
carry_on() {
  ino=0
  while find_old; do
    from_old; case $? in 0) return;; 1) ;; *) break;; esac
  done
  say "gap the file was truncated or removed, and no copy of it was found"; forsake
}

last=
# what is older than where we begin is of no interest
begin() {
  while :; do
    snap; s0=$S known=' ' after='' old='' here=''
    inode "$f"; now=$I
    if [ "$ino" = 0 ] || { [ "$now" = "$ino" ] && ours "$f"; }; then here=1; else find_old; fi
    while read -r _ i c; do
      [ -n "$c" ] || continue
      # what may not be read has nothing but its number
      [ -n "$after" ] || if { command exec 4<"$c"; } 2>/dev/null; then know "$i"; else note "$i" 0::0:; fi
      [ "$i $c" != "$old" ] || after=1
    done <<RF_END
$(siblings)
RF_END
    snap; [ "$S" = "$s0" ] || continue
    if [ "$ino" = 0 ]; then await; enter at "$f" 0
    elif [ -n "$old" ]; then from_old
    elif [ -n "$here" ]; then enter at "$f" "$off" "$ino"
    else
      say "gap the file was truncated or removed, and no copy of it was found"
      what; read="$read$E "; forsake; ino=0
      continue
    fi
    case $? in 0) return;; 2) emptied; return;; esac
  done
}
begin
[ -z "$old" ] || ! packed "${old#* }" || onward
t=0
while :; do
  t=$((t+1))
  readable || unlock || :
  if ! drain; then emptied
  elif [ $((t%4)) = 0 ]; then
    # who opens the file for each line cannot write one
    if ! [ -d "${f%/*}/" ]; then say "blind its folder is not there"
    elif [ "$f" -ef "$us" ] || ! [ -f "$f" ]; then
      if intact; then ok; else emptied; fi
    # renamed and made anew; the writer holds the old one until there is something in the new one
    elif [ -s "$f" ] || unread; then nap; if drain; then onward; else emptied; fi
    else ok; fi
  fi
  nap
done
