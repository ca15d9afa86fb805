# shellcheck shell=sh
# shellcheck disable=SC2086,SC2015,SC2016,SC3013
# (words are split on purpose; `A && B || C` with a B that may fail is meant; `-ef` is in every sh on Linux)
# The runner: the host side of the engine, one long-lived POSIX sh for a (connection, user). Nothing is installed; this
# text arrives on standard input. The protocol is described in src/transport/frame.rs.
#
# Three processes: the loop, which takes requests and is itself the supervisor of its step; the warden, which enforces
# timeouts and outlives the loop; their parent, which waits. A trivial claimed step costs one fork and two execs.
# All functions begin with rf_ and all variables with an underscore: texts that only look run in a subshell of the loop.
#
# fds of the loop: 0 requests, 1 frames, 2 standard error of what only looks, 3 the record of a step (whoever has it open
# is its living supervisor), 5 and 6 the spool of a step, 7 the requests again, 8 to the warden

rf_main() {
  set -fu
  LC_ALL=C; export LC_ALL; unset CDPATH ENV BASH_ENV; umask 077
  SHLVL=1; export SHLVL # or a bash that believes itself to be the first shell below an sshd reads ~/.bashrc
  trap '' PIPE HUP INT TERM QUIT # nothing but KILL ends it before the record of its step is written
  _nl='
'
  _tab='	'
  IFS=' ' read -r _v _N _run _sh || exit 90
  IFS= read -r _path || exit 90
  [ "$_v" = refloat1 ] || exit 92
  PATH=${_path:-${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin}
  export PATH
  _boot=none; { read -r _boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
  # a container shares its host's boot, but not its first process: by both a restart is known
  _x=; { IFS= read -r _x </proc/1/stat; } 2>/dev/null
  set -- ${_x##*) }; _boot=$_boot.${20:-0}
  _mid=-; { read -r _mid </etc/machine-id; } 2>/dev/null
  # uid=1000(ops) gid=1000(ops); a user without a name has no parenthesis
  _x=$(id); _x=${_x%% gid=*}; _uid=${_x#uid=}; _uid=${_uid%%"("*}
  case $_x in *"("*) _who=${_x#*"("}; _who=${_who%")"};; *) _who=$_uid;; esac
  _exe="sh" # which shell that is, by the file: no fork
  for _x in dash bash busybox mksh zsh; do if [ "/proc/$$/exe" -ef "/bin/$_x" ]; then _exe=$_x; fi; done
  _h=${HOME:-/}
  case $_h in *"$_nl"*) _h=/;; esac # it stands in lines
  if [ "$_h" != / ] && [ -d "$_h" ] && [ -w "$_h" ]; then _root=$_h/.refloat; else _root=/var/tmp/.refloat-$_uid; fi
  _r=$_root/$_run; _ready=; _I=; _K=; _W=
  _setsid=; IFS=:
  for _x in $PATH; do if [ -z "$_setsid" ] && [ -x "$_x/setsid" ]; then _setsid=$_x/setsid; fi; done
  unset IFS
  rf_up
  exec 4>&1
  rf_loop 8>&1 1>&4 4>&- | rf_warden
}

rf_loop() {
  trap '' PIPE HUP INT TERM QUIT
  exec 7<&0 # what is started in the background has no other input
  rf_pid && _M=$_P
  echo "main $_M" >&8
  echo "$_N K $_boot ${_mid:--} $_uid $_who $_U $_exe $_root"
  while IFS=' ' read -r _op _q _key _a1 _a2 _a3 _a4 _a5 _a6 _a7 _a8 _a9 _rest; do
    case $_op in
    ask) # ask Q TOKEN TIMEOUT LEN LENI
      { rf_section "$_a2" && _B=$_S && rf_section "$_a3" && _I=$_S && rf_end; } || rf_bad
      rf_ask;;
    run) # run Q KEY BOOT DEADLINE TIMEOUT GRACE TELL LEN LENI LINES IDLE
      { rf_section "$_a6" && _B=$_S && rf_section "$_a7" && _I=$_S && rf_lines "$_a8" && rf_end; } || rf_bad
      rf_run;;
    cancel) rf_end || rf_bad; rf_cancel;;     # cancel Q KEY GRACE
    fence) rf_end || rf_bad; rf_fence;;       # fence Q KEY
    state) rf_end || rf_bad; rf_state;;       # state Q KEY
    lock) # lock Q TOKEN OVER LEN
      { rf_section "$_a2" && rf_end; } || rf_bad
      rf_lock;;
    forget) rf_end || rf_bad; rf_forget; rf_free; echo "$_N D $_q";;   # forget Q [TOKEN]
    reap) rf_end || rf_bad; rf_forget; rf_reap; echo "$_N D $_q";;     # reap Q [TOKEN]
    *) rf_bad;;
    esac
  done
  rf_forget
}

# --- small tools, builtins only
rf_bad() { echo "$_N R ${_q:-0} body"; rf_forget; exit 1; } # the stream is out of step: never guess
rf_up() { _U=0; { IFS=' ' read -r _U _x </proc/uptime; } 2>/dev/null; _U=${_U%.*}${_U#*.}; } # hundredths of a second
# our own process id, also in a subshell. mksh does not see through the link, but can read on
rf_pid() {
  cd -P /proc/self && _P=${PWD##*/}; cd /
  case $_P in ''|*[!0-9]*) IFS=' ' read -r _P _x </proc/self/stat;; esac
}
# N bytes that end in a newline into _S, without that newline; none for 0
rf_section() {
  _S=
  case $1 in ''|*[!0-9]*) return 1;; esac
  while [ "${#_S}" -lt "$1" ]; do IFS= read -r _L || return 1; _S=$_S$_L$_nl; done
  [ "${#_S}" -eq "$1" ] && _S=${_S%"$_nl"}
}
# scratch paths, log sources and the lock, one a line: "W /path", "F /path", "J unit", "T token /path"
rf_lines() {
  case $1 in ''|*[!0-9]*) return 1;; esac
  _W=; _C=; _T=; _i=0
  while [ "$_i" -lt "$1" ]; do
    IFS= read -r _L || return 1
    case $_L in "W "*) _W=$_W$_L$_nl;; "T "*) _T=${_L#T };; *) _C=$_C$_L$_nl;; esac
    _i=$((_i+1))
  done
}
# standard input. mksh has no printf of its own, and a program's arguments are limited
rf_put() {
  exec 7<&- 8>&-
  if [ -n "${KSH_VERSION-}" ]; then
    # shellcheck disable=SC3044,SC2039
    print -n -- "$_I"
  else printf %b "$_I"; fi
}
rf_end() { IFS= read -r _L && [ "$_L" = ". $_q" ]; }
rf_nap() { sleep "$1" 2>/dev/null || sleep 1; }
# a small text file of $2 bytes into _V; fails when it is big or holds NUL bytes
rf_small() {
  _V=; _L=
  [ "$2" -le 3000 ] || return 1
  [ "$2" -gt 0 ] || return 0
  while IFS= read -r _L; do _V=$_V$_L$_nl; [ "${#_V}" -le "$2" ] || return 1; done <"$1"
  _V=$_V$_L
  [ "${#_V}" -eq "$2" ]
}
# the surroundings of a step or a text that only looks
rf_clean() { trap - HUP INT TERM QUIT PIPE; umask 022; cd /; LC_ALL=C.UTF-8; unset IFS; }

# --- what only looks: a subshell, no claim, no file. Its streams go straight to the channel between two marks
rf_ask() {
  rf_up; _t0=$_U
  echo "ask $((_t0+_a1))" >&8
  echo "$_N B $_q" >&2
  echo "$_N B $_q"
  # whoever asks for long may be gone before: no request comes meanwhile, so what can be read is the end
  _w=; [ "$_a1" -le 1500 ] || { ( IFS= read -r _x <&7 || echo gone ) >&8 2>/dev/null & _w=$!; }
  if [ -n "$_I" ]; then rf_put 2>/dev/null | ( rf_eval ); else ( rf_eval ) </dev/null; fi
  _rc=$?
  [ -z "$_w" ] || { kill -KILL "$_w"; wait "$_w"; } 2>/dev/null
  echo "done" >&8
  rf_up; _fl=ok
  [ "$_rc" = 0 ] || [ "$((_U-_t0))" -lt "$_a1" ] || _fl=timeout
  printf '\n%s %s E %s\n' "$_N" "$_key" "$_q" >&2
  printf '\n%s %s E %s %s %s\n' "$_N" "$_key" "$_q" "$_rc" "$_fl"
  _B=; _I=
}
rf_eval() { exec 7<&- 8>&-; rf_clean; unset _N _key; set +fu; set -e; eval "$_B"; }

# --- the spool
rf_spool() { # or why there is none, into _no
  [ -z "$_ready" ] || return 0
  _no=spoolnotours; [ ! -L "$_root" ] || return 1
  _x=; [ ! -d "$_root" ] || _x=1
  # whatever was in its way is found now; twice, for another run may just have removed what it left empty
  [ -d "$_r" ] || mkdir -p "$_r" 2>/dev/null || mkdir -p "$_r" 2>/dev/null || { [ -d "$_root" ] && [ ! -O "$_root" ]; } || _no=nospool
  { [ ! -L "$_root" ] && [ -d "$_root" ] && [ -O "$_root" ] && [ -d "$_r" ]; } || return 1
  [ -z "$_x" ] || chmod 700 "$_root" || return 1
  [ ! -L "$_r" ] && [ -O "$_r" ] || return 1
  _ready=1
}
# the claim: O_CREAT|O_EXCL through noclobber. `rf_claim F` poisons a key so that it can never start
rf_claim() { set -C; if { echo "$1 ." >"$_f"; } 2>/dev/null; then set +C; else set +C; return 1; fi; }
# the record is an append-only log; a line counts only with its closing dot, so a torn one is not seen
#   L cursor .   where a watched log stood   S supervisor boot t0 .   claimed
#   R group .   the step is (about to be) this process group
#   K . / T . / I . / B o|e bytes .   cancelled, timed out, idle for too long, output thrown away      X rc t0 t1 out err flags .   ended
#   F .   fenced: never ran, never will
rf_judge() {
  _s=C; _sup=; _pg=; _bt=; _fl=; _X=; _so=0; _se=0; _bo=0; _be=0
  while IFS=' ' read -r _k _x1 _x2 _x3 _x4 _x5 _x6 _x7; do
    case "$_k $_x1 $_x2 $_x3 $_x4 $_x5 $_x6 $_x7 " in *' . '*) ;; *) continue;; esac
    case $_k in
    S) [ "$_s" != C ] || _s=R; _sup=$_x1; _bt=$_x2;;
    R) _pg=$_x1;;
    K) [ -n "$_X" ] || _fl=${_fl}cancelled,;;
    T) [ -n "$_X" ] || _fl=${_fl}timeout,;;
    I) [ -n "$_X" ] || _fl=${_fl}timeout,idle,;;
    B) case $_fl in *cut,*) ;; *) _fl=${_fl}cut,;; esac
      if [ "$_x1" = o ]; then _bo=$((_bo+_x2)); else _be=$((_be+_x2)); fi;;
    X) [ -n "$_X" ] || { _s=X; _X="$_x1 $_x2 $_x3"; _so=$_x4; _se=$_x5; _fl=$_x6; };;
    F) [ "$_s" = X ] || _s=N;;
    esac
  done <"$_f"
}
rf_holds() { [ "/proc/$1/fd/3" -ef "$_f" ]; } # that process has our record open: alive, and not a reused pid
# the truth about a claimed key: X ended, R running, N never ran, L supervisor lost, B rebooted
rf_settle() {
  rf_judge
  _i=0; while [ "$_s" = C ] && [ "$_i" -lt 20 ]; do rf_nap 0.1; _i=$((_i+1)); rf_judge; done
  [ "$_s" != C ] || _s=L
  if [ "$_s" = R ]; then
    if [ "$_bt" != "$_boot" ]; then _s=B
    elif ! rf_holds "$_sup"; then rf_judge; [ "$_s" = X ] || _s=L; fi
  fi
}
# the living members of the session or group $1 into _live. One sed: a shell reads /proc byte by byte
rf_members() {
  set +f
  _live=$(sed -n -e "s/^\([0-9]*\) (.*) [^ZX] [0-9]* $1 .*/\1/p" -e "s/^\([0-9]*\) (.*) [^ZX] [0-9]* [0-9]* $1 .*/\1/p" \
    /proc/[0-9]*/stat 2>/dev/null)
  set -f
}
rf_gone() { rf_members "$1"; [ -z "$_live" ]; }
# one signal to the group, and to what left the group but not the session. `kill -TERM -PGID`, never `-- -PGID`
rf_signal() { kill "-$1" "-$2" 2>/dev/null; rf_members "$2"; [ -z "$_live" ] || kill "-$1" $_live 2>/dev/null; }

# --- claimed work
rf_run() {
  case $_key in ''|.*|-*|*[!A-Za-z0-9-]*) echo "$_N R $_q badkey"; return;; esac
  _f=$_r/$_key
  [ -z "$_W" ] || rf_scratch
  rf_spool || { echo "$_N R $_q $_no"; return; }
  if [ -e "$_f" ]; then rf_attach; return; fi
  [ -n "$_setsid" ] || { echo "$_N R $_q nosetsid"; return; }
  [ -z "$_T" ] || rf_has "${_T#* }" "${_T%% *}" || { [ -e "${_T#* }" ] && _x=taken || _x=unlocked; echo "$_N R $_q $_x"; return; }
  rf_same "$_a1" || { echo "$_N R $_q rebooted"; return; }
  rf_up; _t0=$_U
  [ "$_a2" = 0 ] || [ "$_U" -le "$_a2" ] || { echo "$_N R $_q expired"; return; }
  set -C
  if { set +C; rf_supervise; } 2>/dev/null 3>"$_f"; then :; else # somebody else has the key: report theirs
    set +C
    if [ -e "$_f" ]; then rf_attach; else echo "$_N R $_q nospool"; fi
  fi
  _B=; _I=
}
# the same boot, also where another user sees the first process and this one does not
rf_same() { case $1 in "$_boot"|"${_boot%.*}.0") return 0;; esac; [ "$_boot" = "${1%.*}.0" ]; }
rf_supervise() {
  exec 3>>"$_f"
  _cur=; [ -z "$_C" ] || rf_cursors
  { rf_keep && echo "S $_M $_boot $_t0 ." >&3; } 2>/dev/null || { rm -f "$_f"; echo "$_N R $_q nospool"; return 0; }
  [ "$_a5" = 0 ] || printf '%s S %s %s\n%s' "$_N" "$_q" "${#_cur}" "$_cur"
  echo "arm $((_t0+_a3)) $_a4 ${_a9:-0} $_f" >&8
  { rf_job; } 5>>"$_f.o" 6>>"$_f.e" || { echo "F ." >&3; echo "$_N R $_q nospool"; }
  echo "done" >&8
  return 0
}
# cursors into the record, so that who attaches has them too
rf_keep() {
  [ -n "$_cur" ] || return 0
  while IFS= read -r _L; do echo "L $_L ." >&3 || return 1; done <<RF_END
${_cur%"$_nl"}
RF_END
}
rf_kept() {
  _cur=
  while IFS= read -r _L; do
    case $_L in "L "*" .") _L=${_L#L }; _cur=$_cur${_L%" ."}$_nl;; esac
  done <"$_f"
}
rf_job() {
  if [ -n "$_I" ]; then rf_put 2>/dev/null | ( rf_step ) >&5 2>&6; else ( rf_step ) </dev/null >&5 2>&6; fi
  _rc=$?
  rf_up; _t1=$_U
  rf_cut o 5; rf_cut e 6 # what came since the warden's last look does not stay, either
  rf_judge
  case $_fl in *timeout,*|*cancelled,*) # the result stands only when the whole group is gone
    _i=0; while ! rf_gone "$_pg" && [ "$_i" -lt "$((_a4*10+50))" ]; do rf_nap 0.1; _i=$((_i+1)); done;;
  esac
  if [ -n "$_pg" ] && kill -0 "-$_pg" 2>/dev/null; then _fl=${_fl}background,; fi
  case $_fl in
  *cut,*) rf_sizes;;
  *) { IFS=":$_tab " read -r _x _so </proc/self/fdinfo/5 && IFS=":$_tab " read -r _x _se </proc/self/fdinfo/6; } || rf_sizes;;
  esac
  # a step on a full disk may have printed what was not kept: then as much again does not fit either
  [ "$_rc" = 0 ] && [ "$((_so+_se))" -le 3000 ] || { printf '%65536s' '' >|"$_f.p" && : >|"$_f.p"; } 2>/dev/null || _fl=${_fl}cut,
  _X="$_rc $_t0 $_t1"
  echo "X $_X $_so $_se ${_fl:-ok} ." >&3
  rf_report
  return 0
}
rf_sizes() { _so=$(wc -c <"$_f.o"); _se=$(wc -c <"$_f.e"); _so=$((_so+_bo)); _se=$((_se+_be)); }
rf_step() {
  rf_pid && echo "R $_P ." >&3 || exit 125
  exec 3>&- 5>&- 6>&- 7<&- 8>&-
  rf_clean
  REFLOAT_S=$_B; LC_ALL=C; export REFLOAT_S # setsid reads a dozen files for another locale
  exec "$_setsid" ${_sh:-/bin/sh} -ec 'LC_ALL=C.UTF-8; eval "unset REFLOAT_S
$REFLOAT_S"' refloat # the text is neither in argv nor on disk
}
# the result, with small output in the same write
rf_report() {
  case $_fl in
  *cut,*) ;;
  *)
    if [ "$((_so+_se))" -le 3000 ] && rf_small "$_f.o" "$_so"; then
      _x=$_V
      if rf_small "$_f.e" "$_se"; then
        printf '%s X %s %s %s %s %s 1\n%s%s' "$_N" "$_q" "$_X" "$_so" "$_se" "${_fl:-ok}" "$_x" "$_V"
        return
      fi
    fi;;
  esac
  echo "$_N X $_q $_X $_so $_se ${_fl:-ok} 0"
}
# the key is taken: never again, but what it came to
rf_attach() {
  _z=0.02; _n=0
  while rf_settle; do
    case $_s in X|R)
      [ "$_a5" = 0 ] || { rf_kept; printf '%s S %s %s\n%s' "$_N" "$_q" "${#_cur}" "$_cur"; _a5=0; };;
    esac
    case $_s in
    X) rf_report; return;;
    N) echo "$_N R $_q fenced"; return;;
    R) _n=$((_n+1)); [ "$_n" -lt 20 ] || _z=0.2; rf_nap "$_z";;
    *) _x=0; [ "$_s" != L ] || [ -z "$_pg" ] || ! rf_ours || _x=1
      echo "$_N U $_q $_s $_x"; return;;
    esac
  done
}
rf_fence() {
  _f=$_r/$_key
  rf_spool || { echo "$_N R $_q $_no"; return; }
  rf_claim F && _s=N || rf_settle
  echo "$_N F $_q $_s"
}
rf_state() {
  _f=$_r/$_key
  if [ -e "$_f" ]; then rf_settle; case $_s in X) rf_report; return;; esac; else _s=-; fi
  echo "$_N F $_q $_s"
}
# the whole group of every part of a key; what has not started never will
rf_cancel() {
  _left=0; _grace=$_a1
  if rf_spool; then _f=$_r/$_key; rf_claim F; else echo "$_N R $_q $_no"; return; fi
  set +f; set -- "$_r/$_key" "$_r/$_key"-*; set -f
  for _f in "$@"; do
    case $_f in *.o|*.e|*.h|*.p) continue;; esac
    [ -e "$_f" ] || continue
    rf_settle
    case $_s in R|L) ;; *) continue;; esac
    echo "K ." >>"$_f"
    _i=0; while [ "$_s" = R ] && [ -z "$_pg" ] && [ "$_i" -lt 50 ]; do rf_nap 0.1; _i=$((_i+1)); rf_settle; done
    [ -n "$_pg" ] || continue
    [ "$_s" = R ] || rf_ours || continue
    rf_signal TERM "$_pg"; kill -CONT "-$_pg" 2>/dev/null
    _i=0; while ! rf_gone "$_pg" && [ "$_i" -lt "$((_grace*10))" ]; do rf_nap 0.1; _i=$((_i+1)); done
    _i=0; while ! rf_gone "$_pg" && [ "$_i" -lt 50 ]; do rf_signal KILL "$_pg"; rf_nap 0.1; _i=$((_i+1)); done
    rf_gone "$_pg" || _left=1
    _i=0; while rf_settle; [ "$_s" = R ] && [ "$_i" -lt 50 ]; do rf_nap 0.1; _i=$((_i+1)); done
  done
  echo "$_N C $_q $_left"
}
# a lost supervisor's group: a member of it still writes to our spool, so the number was not given to another group
rf_ours() {
  rf_members "$_pg"
  for _d in $_live; do
    if [ "/proc/$_d/fd/1" -ef "$_f.o" ] || [ "/proc/$_d/fd/2" -ef "$_f.e" ]; then return 0; fi
  done
  return 1
}

# --- scratch: what must not outlive this connection
rf_scratch() {
  _K=$_K$_W
  printf '%s' "$_W" >&8
}
rf_remove() { # lines "W /path"
  while IFS= read -r _L; do
    case $_L in "W /"*) rm -f -- "${_L#W }";; esac
  done <<RF_END
$1
RF_END
}
rf_forget() { [ -z "$_K" ] || rf_remove "$_K"; _K=; echo clear >&8; }
rf_reap() {
  { [ ! -L "$_root" ] && [ -d "$_root" ] && [ -O "$_root" ] && [ ! -L "$_r" ]; } || return
  _x=; ! rf_mine || _x=$_root/lock
  # folders only if they are empty then, so that one call does what else takes two; not every rm can
  set +f; rm -fd -- "$_r"/* "$_r" ${_x:+"$_x"} "$_root" 2>/dev/null; set -f
  [ ! -e "$_r" ] || rm -rf -- "$_r"
  [ -z "$_x" ] || [ ! -e "$_x" ] || rm -f -- "$_x"
  [ ! -d "$_root" ] || rmdir "$_root" 2>/dev/null
  _ready=
}

# --- the lock of the host: at most one run changes it. One line, written at once: TOKEN BOOT UPTIME OWNER .
# TOKEN is RUN.SESSION, and what shows another one starts nothing. No clock frees it: it is freed, or taken over
rf_lock() {
  rf_spool || { echo "$_N R $_q $_no"; return; }
  _f=$_root/lock; _n=0; rf_up; _c="$_key $_boot $_U $_S"
  _i=0
  while ! rf_claim "$_c"; do
    # a line without its dot is being written; after two seconds whoever did so is gone, or the disk is full
    if rf_holder || [ "$_i" -ge 20 ]; then break; fi
    _i=$((_i+1)); rf_nap 0.1
  done
  rf_holder || _h=
  _w=held; _x=$_h
  case $_h in
  "$_key") _w=taken;;
  '') _w=again;;
  "${_key%.*}".*) [ "${_key##*.}" -lt "${_h##*.}" ] || _w=again;; # an earlier session of this run
  "$_a1".*) _w=over; rf_begun "${_h%.*}";;
  esac
  case $_w in again|over)
    _f=$_root/lock; { echo "$_c ." >|"$_f.$_key" && mv -f "$_f.$_key" "$_f"; } 2>/dev/null || rm -f "$_f.$_key"
    rf_holder && [ "$_h" = "$_key" ] || { [ "$_h" = "$_x" ] && echo "$_N R $_q nospool" && return; _w=held; };;
  esac
  case $_w in
  held)
    case $_ht in ''|*[!0-9]*) _ht=$_U;; esac
    _x=0; [ "$_hb" = "$_boot" ] || { _x=1; _ht=$_U; }
    printf '%s L %s held %s %s %s %s\n%s' "$_N" "$_q" "${_h%.*}" "$((_U-_ht))" "$_x" "${#_ho}" "$_ho";;
  over) echo "$_N L $_q over ${_x%.*} $_n 0 0";;
  *) echo "$_N L $_q taken - 0 0 0";;
  esac
}
rf_holder() {
  _h=; _ho=; { IFS=' ' read -r _h _hb _ht _ho <"$_root/lock"; } 2>/dev/null
  case $_ho in *' .') _ho=${_ho%' .'};; *) return 1;; esac
}
rf_has() { { IFS=' ' read -r _x _y <"$1"; } 2>/dev/null && [ "$_x" = "$2" ]; }
rf_mine() { # taken in this session of the run _key, or in one before it that was killed
  [ -n "$_key" ] && rf_holder && [ "${_h%.*}" = "${_key%.*}" ] && [ "${_h##*.}" -le "${_key##*.}" ]
}
rf_free() { ! rf_mine || rm -f -- "$_root/lock"; }
# how many steps of another run still run here, into _n
rf_begun() {
  set +f; set -- "$_root/$1"/*; set -f
  for _f in "$@"; do
    case ${_f##*/} in *.*) continue;; esac
    rf_judge 2>/dev/null
    [ "$_s" != R ] || [ "$_bt" != "$_boot" ] || ! rf_holds "$_sup" || _n=$((_n+1))
  done
}

# --- cursors: where logs stand now. One line each:
#   F INODE SIZE CKSUM:N   a file, and the checksum of its first N bytes      A   no such file      J CURSOR   journald
rf_cursors() {
  while IFS= read -r _L; do
    case $_L in
    "F "*) rf_cursor "${_L#F }"; _cur=$_cur$_V$_nl;;
    "J "*) _V=$(journalctl -q -n 0 --show-cursor -u "${_L#J }" 2>/dev/null) || _V=
      _V=${_V##*cursor: }; _cur="${_cur}J ${_V%%"$_nl"*}$_nl";;
    esac
  done <<RF_END
$_C
RF_END
}
rf_cursor() {
  _V=A; _n=0
  while [ "$_n" -lt 5 ] && [ -f "$1" ]; do
    _x=$(ls -diL -- "$1") || break
    _i=${_x#"${_x%%[0-9]*}"}; _i=${_i%% *}
    _z=$(wc -c <"$1") && _z=$((_z)) || break
    _x=$_z; [ "$_x" -le 256 ] || _x=256
    _g=$(dd bs="$((_x+(_x==0)))" count="$((_x>0))" <"$1" 2>/dev/null | cksum) || break
    _V="F $_i $_z ${_g%% *}:$_x"
    _x=$(ls -diL -- "$1") || break
    _x=${_x#"${_x%%[0-9]*}"}
    [ "${_x%% *}" != "$_i" ] || break # else it was rotated meanwhile
    _n=$((_n+1))
  done
}

# --- the warden: asleep on its pipe while there is nothing to watch
rf_warden() {
  trap '' HUP INT TERM PIPE QUIT
  exec >/dev/null 2>&1 4>&- # by exec: a redirection of the call would keep a copy to restore
  _act=; _K=; _eof=; _orphan=; _M=0; _hit=
  while :; do
    if [ -z "$_act" ]; then
      [ -z "$_eof" ] && IFS= read -r _w || break
      rf_word; continue
    fi
    rf_up; if [ "$((_dl-_U))" -ge 100 ]; then rf_nap 1; else rf_nap 0.5; fi
    if [ -z "$_eof" ]; then
      echo - >"/proc/$_M/fd/8" # so that what follows never waits
      while IFS= read -r _w || { _eof=1; false; }; do [ "$_w" != - ] || break; rf_word; done
    fi
    # the loop was killed: our parent must not keep the channel open, so that the controller sees the loss at once
    [ -z "$_eof" ] || [ -z "$_act" ] || [ -n "$_orphan" ] || { _orphan=1; kill -KILL "$$"; }
    [ -z "$_act" ] || rf_tick
  done
  rf_remove "$_K"
}
rf_word() {
  case $_w in
  "main "*) _M=${_w#main };;
  "ask "*) _act=ask; _hit=; _dl=${_w#ask }; _grace=2;;
  "arm "*) _act=arm; _hit=; _w=${_w#arm }; _dl=${_w%% *}; _w=${_w#* }; _grace=${_w%% *}; _w=${_w#* }
    _idle=${_w%% *}; _f=${_w#* }; rf_up; _since=$_U; _sizes=0.0;;
  done) _act=;;
  gone) [ "$_act" != ask ] || { rf_up; _dl=$_U; };;
  "W "*) _K=$_K$_w$_nl;;
  clear) _K=;;
  esac
}
rf_tick() {
  rf_up
  if [ "$_act" = ask ]; then
    if [ "$_U" -ge "$_dl" ]; then
      _sig=TERM; [ "$_U" -lt "$((_dl+200))" ] || _sig=KILL
      rf_pid; rf_group "$_M" && rf_members "$_g"
      for _d in $_live; do
        case $_d in "$$"|"$PPID"|"$_M"|"$_P") ;; *) kill "-$_sig" "$_d";; esac
      done
    fi
    [ -z "$_eof" ] || _act=
    return
  fi
  if [ -z "$_hit" ]; then
    rf_cut o 5; _y=$_n; rf_cut e 6
    [ "$_sizes" = "$_y.$_n" ] || { _sizes=$_y.$_n; _since=$_U; }
    # its parent was killed: nobody knows what it prints
    if [ "$_idle" -gt 0 ] && [ -z "$_eof" ] && [ "$((_U-_since))" -ge "$_idle" ]; then
      echo "I ." >>"$_f"; _hit=1; _dl=$_U
    fi
  fi
  [ "$_U" -ge "$_dl" ] || [ -n "$_eof" ] || return 0
  rf_judge
  [ -z "$_X" ] || { _act=; return; }
  if [ "$_U" -ge "$_dl" ]; then
    [ -n "$_hit" ] || { echo "T ." >>"$_f"; _hit=1; }
    if [ -n "$_pg" ] && rf_ours; then
      if [ "$_U" -lt "$((_dl+_grace*100))" ]; then rf_signal TERM "$_pg"; kill -CONT "-$_pg"; else rf_signal KILL "$_pg"; fi
    fi
  fi
  [ -z "$_eof" ] || { [ -n "$_pg" ] && rf_ours; } || _act=
}
# the process group of $1 into _g
rf_group() { IFS= read -r _y <"/proc/$1/stat" || return; _y=${_y##*) }; _y=${_y#* }; _y=${_y#* }; _g=${_y%% *}; }
# past 64 MiB of output the head is kept once and the rest is emptied at every tick; the step is never killed or blocked
rf_cut() {
  _n=; { IFS=":$_tab " read -r _x _n <"/proc/$_M/fdinfo/$2"; } 2>/dev/null || return 0
  [ "$_n" -gt 67108864 ] || return 0
  [ -e "$_f.$1.h" ] || dd bs=1048576 count=1 <"$_f.$1" >"$_f.$1.h"
  echo "B $1 $_n ." >>"$_f"
  : >|"$_f.$1"
}
rf_main; exit
