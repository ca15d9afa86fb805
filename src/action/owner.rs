//! Shell functions for owners, groups and modes, shared by the actions that set them.

/// `uid NAME` and `gid NAME` print a number; a number is its own. `modeof PATH` prints four digits. `givable` says why not.
pub const FUNCTIONS: &str = r#"
uid() { case $1 in *[!0-9]*) id -u -- "$1" 2>/dev/null || { echo "no such user: $1" >&2; return 1; };; *) echo "$1";; esac; }
gid() { case $1 in *[!0-9]*) awk -F: -v g="$1" '$1 == g { print $3; f = 1 } END { exit !f }' /etc/group || { echo "no such group: $1" >&2; return 1; };; *) echo "$1";; esac; }
modeof() { printf %04d "$(stat -c %a -- "$1")"; }
# whether owner, group and mode are what is wanted; empty: any
owned() {
  [ -z "$owner" ] || [ "$(stat -c %u -- "$1")" = "$(uid "$owner")" ] || return 1
  [ -z "$group" ] || [ "$(stat -c %g -- "$1")" = "$(gid "$group")" ] || return 1
  [ -z "$mode" ] || [ "$(modeof "$1")" = "$mode" ]
}
# whether a file of one's own can be given to them
givable() {
  if [ -n "$owner" ]; then
    u=$(uid "$owner") || return 1
    case $(id -u) in 0|"$u") ;; *) echo "$(id -un) cannot give a file to the user $owner" >&2; return 1;; esac
  fi
  [ -n "$group" ] || return 0
  g=$(gid "$group") || return 1
  case "$(id -u) $(id -G) " in "0 "*|*" $g "*) ;; *) echo "$(id -un) cannot give a file to the group $group" >&2; return 1;; esac
}
"#;
