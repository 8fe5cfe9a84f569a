#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The live view as a user has it: in a terminal (tmux's), with keys, sizes and signals. The
# terminal must be as it was after every way out.
# shellcheck source=tests/lib.sh disable=SC2317 # called by await
. "$(dirname "$0")/../lib.sh"
need
command -v tmux >/dev/null || skip_all "tmux is not installed: run make deps"

# --- the terminal ---

tm() {
	tmux -S "$T/tmux" "$@"
}

has_server() {
	tm has-session 2>/dev/null
}

# In the foreground, so that it ends with the test whatever happens. Nobody's configuration.
start server tmux -f /dev/null -S "$T/tmux" -D
wait_for 10 test -S "$T/tmux" || die "tmux does not start: $(err_of server)"
wait_for 10 tm new-session -d -x 100 -y 24 "env PS1='$ ' bash --norc --noprofile" 2>/dev/null
await 10 "a terminal" has_server
SHELL_PID=$(tm display -p '#{pane_pid}')

screen() {
	tm capture-pane -p
}

shows() {
	screen | grep -qE -- "$1"
}

lacks() {
	! shows "$1"
}

# see WHAT REGEX: waits for it, and says what is there instead
see() {
	if wait_for 10 shows "$2"; then pass "$1"; else fail "$1" "wanted: $2" "$(screen)"; fi
}

see_not() {
	if wait_for 10 lacks "$2"; then pass "$1"; else fail "$1" "unwanted: $2" "$(screen)"; fi
}

press() {
	tm send-keys "$@"
}

# type LINE: to the shell
type_line() {
	tm send-keys -l "$1"
	tm send-keys Enter
}

# The process in the first row of the table.
first_row() {
	screen | sed -n '/^ *.\?PID .*COMMAND/ { n; p; q }'
}

first_is() {
	[[ $(first_row) =~ ^\ *$1\  ]]
}

see_first() {
	if wait_for 10 first_is "$2"; then pass "$1"; else fail "$1" "wanted: PID $2" "$(screen)"; fi
}

is_alternate() {
	[ "$(tm display -p '#{alternate_on}')" = "$1" ]
}

# The memwatch of this terminal: there may be others on the machine.
own_pid() {
	pgrep -P "$SHELL_PID" -x memwatch
}

# tui ARG...: memwatch in the terminal, with its first picture; "status=N" once it has ended
tui() {
	type_line "clear; stty -g >$T/before; $MEMWATCH $*; echo status=\$?; stty -g >$T/after"
	await 20 "the full screen" is_alternate 1
	await 20 "the table" shows '^memwatch .* process.*/s'
}

# left WHAT STATUS: it has ended with that status and the terminal is as it was
left() {
	if ! wait_for 10 shows "^status=$2\$"; then
		fail "$1: status $2" "$(screen)"
		return
	fi
	pass "$1: status $2"
	await 5 "the shell" test -s "$T/after"
	ok "$1: the main screen is back" is_alternate 0
	is "$(tm display -p '#{cursor_flag}')" 1 "$1: the cursor is back"
	is "$(cat "$T/after")" "$(cat "$T/before")" "$1: the terminal's modes are back"
	rm -f "$T/after"
}

# --- the whole machine ---

start shmem "$WORKLOADS/grow" shmem --bytes 128M --hold
finished shmem
SHMEM=$(pid_of shmem)
start fast "$WORKLOADS/grow" mmap-grow --bytes 4G --step 4M --interval-ms 100
ready fast
FAST=$(pid_of fast)
type_line 'echo before-memwatch'
await 10 "the shell" shows '^before-memwatch$'
tui --budget 0 -i 0.5
see_first "the process that grows fastest is on top" "$FAST"
see "its growth is that of the workload" "^ *$FAST grow +\+[34][0-9]\.[0-9]M/s"
like "$(screen | sed -n 1p)" '^memwatch [^ ]+ +[0-9:]{8} +[0-9]+ processes +[+-][^ ]+/s  born [0-9.]+/s gone [0-9.]+/s' \
	"the title: the time, all processes, growth, births and ends"
like "$(screen | sed -n 2p)" '^memory .+ used of .+ available' "the machine's memory"
see "own cost" '^self: [0-9.]+% cpu .* rss \+ .* maps  lost [0-9]+'
see "which code it is: sites of the fastest grower" "^sites of $FAST \\(grow\\)"
see "its site, with its callers" ' fault +touch grow\.c:[0-9]+ ← grow_mmap grow\.c:[0-9]+ ← '
# It does not grow, so nobody has taken its stacks.
press s
see_first "s: by shmem" "$SHMEM"
press j Enter
see "all of the process that was selected" "^$SHMEM grow +parent $$ "
see "a process that is looked at gets sites, too" "^sites of $SHMEM \\(grow\\): no growth was sampled yet"
press Escape Escape g
see "and the fastest grower's are back" "^sites of $FAST \\(grow\\)"
press q
left "q" 0
see "what grew most remains on the terminal" "^ *$FAST grow .*\+[0-9.]+M"
see "which code made it" '^ .* fault +touch grow\.c:[0-9]+ ← grow_mmap'
took_told() { # on two rows
	tm capture-pane -pJ | grep -qE '^memwatch took [0-9.]+ % of a CPU.*; lost:'
}
ok "and what memwatch took" wait_for 10 took_told
stop fast KILL
stop shmem

# --- named processes: rows whose order is known ---

start slow "$WORKLOADS/grow" mmap-grow --bytes 1G --step 256K --interval-ms 100
start big "$WORKLOADS/grow" mmap-grow --bytes 64M --hold
start evil "$WORKLOADS/comm" --hold
ready slow
finished big
ready evil
SLOW=$(pid_of slow) BIG=$(pid_of big) EVIL=$(pid_of evil)
tui --budget 0 -i 0.5 -p "$SLOW,$BIG,$EVIL"
see_first "sorted by growth: what grows comes first" "$SLOW"
see "a name full of controls and invalid UTF-8 is shown, harmlessly" "^ *$EVIL .\[2J"
like "$(screen | sed -n 1p)" '^memwatch .* 3 processes' "and the screen is not disturbed"

press m
see_first "m: sorted by rss" "$BIG"
see "m: the title says so" '▼RSS'
press R
see_first "R: the other way round" "$EVIL"
see "R: the title says so" '▲RSS'
press R
press '>'
see "> sorts by the column to the right" '▼ANON'
press '<'
press '<'
see "< sorts by the column to the left" '▼SINCE'
press p
see_first "p: the highest PID first" "$(printf '%s\n' "$SLOW" "$BIG" "$EVIL" | sort -n | tail -n 1)"
press v
see "v: by verdict" 'VERDICT▼'
press l
see "l: by the limit that is met soonest" '▼LIMIT'
press n
see "n: by name" 'COMMAND▲'
press g
see_first "g: by growth again" "$SLOW"

# A selection is of a process, not of a row.
press j
press m
see_first "another takes its place" "$BIG"
press Enter
see "Enter: all of the process that was selected" "^$SLOW grow +parent $$ "
see "its sites, with a selected one" '^ *BYTES +RATE SHARE KIND +SITE'
see "the function that grows" "^ .* 1?[0-9]{2}% fault +touch grow\\.c:[0-9]+ ← grow_mmap"
see "a hint at what Enter does" 'Enter stack'
press Enter
see "Enter: the stack of the selected site" '^ +# FUNCTION, innermost first'
see "each function with its source" "^ +[0-9]+ grow_mmap  .*tests/workloads/grow\\.c:[0-9]+"
see "whose memory it is" '^memory that became resident by page faults; [0-9]+ samples'
press BSpace
see "Backspace: the process again" '^ *BYTES +RATE SHARE KIND +SITE'
press j Enter
see "j: the next site, and Enter: its stack" '^memory that was mapped, resident or not; '
press Enter
see "Enter again: back" '^ *BYTES +RATE SHARE KIND +SITE'
press k Enter
see "k: the site before it" '^memory that became resident by page faults; '
press Escape
see "Esc: the process again" '^ *BYTES +RATE SHARE KIND +SITE'
press NPage
for field in rss_bytes pgtable_bytes majflt mmap_count fault_bytes; do
	see "its $field" "(^|  )$field +[0-9]"
done
see "where its page faults land" '^page faults land in '
press PPage
see "its cgroup" '^cgroup (/|unknown)'
press Escape
see "Esc: the table again" 'PID COMMAND'

press h
see "h: help" '^ +R +reverse the order'
press NPage
see "PgDn: more of it" 'resident memory: anon'
press Escape
see "Esc closes the help" 'PID COMMAND'

# --- freezing ---

rss_is_over() {
	(($(status_bytes "$SLOW" VmRSS) > $1))
}

row_of() {
	screen | grep -E "^ *$1 "
}

press Space
see "space: says that it is frozen" 'FROZEN since [0-9:]{8}'
FROZEN=$(row_of "$SLOW")
await 20 "some more growth" rss_is_over $(($(status_bytes "$SLOW" VmRSS) + 4 * MIB))
is "$(row_of "$SLOW")" "$FROZEN" "a frozen row stays as it is, though the process grows"
press s
see "a frozen table can be sorted" '▼SHMEM'
press Space
see_not "space: goes on" FROZEN
press g
see_first "with what has been collected since" "$SLOW"
has_moved_on() {
	[ "$(row_of "$SLOW")" != "$FROZEN" ]
}
ok "and its row has moved on" has_moved_on

# --- any size ---

# fits WIDTH: the first line begins with as much of the title as fits
fits() {
	local wanted=memwatch
	[[ $(screen | sed -n 1p) == "${wanted:0:$1}"* ]]
}

for size in 40x10 20x6 12x3 9x2 200x60 80x24; do
	tm resize-window -x "${size%x*}" -y "${size#*x}"
	if wait_for 5 fits "${size%x*}"; then
		pass "drawn at $size"
	else
		fail "drawn at $size" "$(screen)"
	fi
done
for size in 3x1 1x5 1x1; do
	tm resize-window -x "${size%x*}" -y "${size#*x}"
	press m g h h Enter Escape
done
tm resize-window -x 120 -y 24
see "survives no room at all" '^memwatch .* 3 processes'
see "with all columns that fit again" 'PID COMMAND .*VERDICT +LIMIT .*SHMEM.*FLT/s COURSE'
tm resize-window -x 100 -y 24

# --- ways out ---

press C-z
await 10 "the shell" shows '^.*Stopped'
ok "^Z: the main screen is back" is_alternate 0
type_line fg
await 10 "the full screen" is_alternate 1
see "fg: goes on" '^memwatch .* 3 processes'
press C-c
await 10 "the shell" is_alternate 0
# bash drops the rest of a line whose command was stopped.
type_line "s=\$?; clear; stty -g >$T/after; echo status=\$s"
left "^C" 0

tui --budget 0 -p "$SLOW"
kill -TERM "$(own_pid)"
left "SIGTERM" 0

type_line 'ulimit -c 0'
tui --budget 0 -p "$SLOW"
kill -SEGV "$(own_pid)"
left "SIGSEGV" 139

tui --budget 0 -p "$EVIL"
kill -KILL "$EVIL"
left "the process has ended" 0
see "why it ended remains on the terminal" "^exit: $EVIL .*by signal 9 \(SIGKILL\)"

type_line "clear; TERM=dumb $MEMWATCH -p $SLOW; echo status=\$?"
see "a terminal that cannot be drawn on is refused, with advice" 'TERM=dumb; try'
see "with status 1" '^status=1$'

# --- less able terminals ---

type_line 'export LC_ALL=C NO_COLOR=1'
tui --budget 0 -p "$SLOW"
see "no UTF-8: the arrow is ASCII" '-GROWTH'
ok "no UTF-8: nothing else is sent" lacks '[^ -~]'
is "$(tm capture-pane -ep | grep -c $'\e\[[0-9;]*3[1-7]m')" 0 "NO_COLOR: no colours"
press q
left "the C locale" 0

done_testing
