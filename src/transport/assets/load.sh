# shellcheck shell=sh
# Takes the next $1 bytes of standard input, no more, and runs them. A block is never larger than what is missing, so
# what follows stays there; the text is ASCII, so that characters are bytes in every locale.
rf_load() {
  _t=
  while [ "${#_t}" -lt "$1" ]; do
    _c=$(dd bs="$(($1-${#_t}))" count=1 2>/dev/null; echo .)
    _c=${_c%.}; [ -n "$_c" ] || exit 90
    _t=$_t$_c
  done
  eval "unset _t _c; $_t"
}
