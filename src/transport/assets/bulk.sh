# shellcheck shell=sh
# A text with a channel of its own: its output is the channel's. It ends with the channel.
rf_bulk() {
  umask 022; cd / || exit 1
  unset CDPATH ENV BASH_ENV; SHLVL=1; export SHLVL # or a bash below an sshd reads ~/.bashrc
  IFS= read -r _n || exit 90
  IFS= read -r _p || exit 90
  IFS= read -r _i || exit 90
  PATH=${_p:-${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin}
  LC_ALL=C.UTF-8; export PATH LC_ALL
  echo "$_n" >&2; echo "$_n"
  _w=
  if [ "$_i" = 1 ]; then ( rf_text ); _rc=$?
  else
    exec 3<&0 # a job in the background has /dev/null as its input before its redirections count
    ( trap '' TERM; IFS= read -r _x <&3; kill -TERM 0; sleep 1; kill -KILL 0 ) >/dev/null 2>&1 & _w=$!
    exec 3<&-
    ( rf_text ) </dev/null; _rc=$?
  fi
  [ -z "$_w" ] || kill -KILL "$_w" 2>/dev/null
  printf '\n%s %s\n' "$_n" "$_rc" >&2
  exit 0
}
