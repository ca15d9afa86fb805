# shellcheck shell=sh
# Takes the next $1 bytes of standard input, no more, and runs them: a text that does not end in a newline. A block is
# never larger than what is missing, so what follows stays there. One `dd` takes it all; where it cannot wait for a full
# block, it takes nothing, and the loop takes it in pieces. One line, and without what a login shell might take for its own: see src/transport/channel.rs.
LC_ALL=C; _t=$(exec dd bs="$1" count=1 iflag=fullblock 2>/dev/null); while [ "${#_t}" -lt "$1" ]; do _c=$(dd bs="$(($1-${#_t}))" count=1 2>/dev/null; echo .); _c=${_c%.}; [ -n "$_c" ] || exit 90; _t=$_t$_c; done; shift; eval "unset _t _c; $_t"
