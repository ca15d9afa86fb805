# shellcheck shell=sh
# Follows what a container writes: MARK SINCE NAME COMMAND...; SINCE is the option with the place, or nothing for all of it.
# The words between the lines are those of follow.sh, and two more:
#   MARK oldest TIMESTAMP   of the oldest line that there is
#   MARK end                the command has ended, and is to be started again
set +e
mark=$1 since=$2 name=$3
shift 3
say() { printf '\n%s %s\n' "$mark" "$*"; }
ok() { read -r t _ </proc/uptime; say "ok 0 0:0 ${t%.*}${t#*.}0"; }
nap() { sleep 0.5 2>/dev/null || sleep 1; }
if [ -n "$since" ]; then
  oldest=$("$@" --timestamps "$name" 2>&1 | head -n 1)
  say "oldest ${oldest%% *}"
fi
# what the container wrote to its standard error is its log as well
"$@" --timestamps -f ${since:+"$since"} "$name" 2>&1 &
j=$!
while nap; kill -0 $j 2>/dev/null; do ok; done
wait $j; rc=$?
# where the container has ended, all that there will be is given
if [ $rc = 0 ]; then ok; else say "blind the command ended with $rc"; fi
say end
