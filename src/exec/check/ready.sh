# shellcheck shell=sh
# What is there of what steps need: pairs of a kind and a value. Says for each `ok`, or in a line what is the matter; a `?`
# before it: it may do all the same. First the time, in seconds. Only looks.
date +%s
rf_room() { # of the file system of a folder, in KiB; nothing: not known
  set -- "$(df -Pk -- "$1" 2>/dev/null | tail -n 1)"
  # shellcheck disable=SC2086 # columns
  set -- $1
  case ${4-} in ''|*[!0-9]*) ;; *) echo "$4" ;; esac
}
rf_root() { # where the runner keeps claims and the lock
  rf_home=${HOME:-/}
  if [ "$rf_home" != / ] && [ -d "$rf_home" ] && [ -w "$rf_home" ]; then rf_root=$rf_home/.refloat; else rf_root=/var/tmp/.refloat-$(id -u); fi
}
rf_unlocked() {
  rf_root
  rf_owner=; { IFS=' ' read -r rf_run _ _ rf_owner <"$rf_root/lock"; } 2>/dev/null
  case $rf_owner in
  *' .')
    rf_run=${rf_run%.*}
    echo "it is locked by run $rf_run of ${rf_owner%' .'}: \`refloat resume $rf_run\` goes on with that where it was begun, \`run --takeover $rf_run\` takes the host from it" ;;
  *) echo ok ;;
  esac
}
rf_spool() {
  rf_root
  if [ -L "$rf_root" ]; then echo "$rf_root is a symbolic link, and claims are kept in a folder of one's own"; return; fi
  if [ -d "$rf_root" ] && ! [ -O "$rf_root" ]; then echo "$rf_root belongs to somebody else"; return; fi
  [ -d "$rf_root" ] || rf_root=${rf_root%/*}
  if ! [ -w "$rf_root" ]; then echo "$rf_root cannot be written, and claims are kept there"; return; fi
  rf_free=$(rf_room "$rf_root")
  if [ "${rf_free:-9999}" -lt 256 ]; then echo "the disk of $rf_root is full ($rf_free KiB are free), and claims are kept there"; return; fi
  echo ok
}
rf_log() {
  if [ -r "$1" ] && [ -f "$1" ]; then echo ok
  elif [ -d "$1" ]; then echo "$1 is a folder and no log"
  elif [ -e "$1" ]; then echo "$1 cannot be read by $(id -un)"
  elif [ -d "${1%/*}/" ] && ! [ -x "${1%/*}/" ]; then echo "$1 cannot be looked at by $(id -un)"
  else echo "?there is no $1 yet"; fi
}
while [ $# -gt 1 ]; do
  case $1 in
  user) echo ok ;;
  spool) rf_spool ;;
  unlocked) rf_unlocked ;;
  folder)
    if (cd -- "$2") 2>/dev/null; then echo ok
    elif [ -d "$2" ]; then echo "the folder $2, in which the step works, cannot be entered by $(id -un)"
    else echo "there is no folder $2, in which the step works"; fi ;;
  program) if command -v "$2" >/dev/null 2>&1; then echo ok; else echo "there is no program $2 for $(id -un)"; fi ;;
  log) rf_log "$2" ;;
  journal)
    if rf_said=$(journalctl -q -n 0 -u "$2" 2>&1); then echo ok
    else echo "the journal cannot be read by $(id -un): $(echo "$rf_said" | tail -n 1)"; fi ;;
  *) echo ok ;;
  esac
  shift 2
done
