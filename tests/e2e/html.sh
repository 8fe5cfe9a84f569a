#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A recording as a page and as a flame graph, in a real browser: what is drawn is what was recorded,
# what can be clicked does what it should, and what a target calls its functions runs nowhere.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need
for tool in sqlite3 node chromium; do
	command -v $tool >/dev/null || die "$tool is not installed: run make deps"
done

sqlite3 "$T/r.mw" <"$ROOT/user/store/recording.sql" >/dev/null || die "no recording"
sqlite3 "$T/r.mw" <"$TESTS/e2e/html.sql" >/dev/null || die "nothing to record"
sqlite3 "$T/r.mw" "SELECT json_object(
	'anon', (SELECT json_group_array(anon_bytes) FROM
		(SELECT anon_bytes FROM process_tick WHERE process = 1 ORDER BY ns)),
	'live', (SELECT json_group_array(live_bytes) FROM
		(SELECT live_bytes FROM gc WHERE kind = 'mark-compact' ORDER BY ns)))" >"$T/truth.json"

ok "report --format html" "$MEMWATCH" report "$T/r.mw" --format html -o "$T/page.html"
ok "report --format flamegraph" "$MEMWATCH" report "$T/r.mw" --format flamegraph -o "$T/flame.svg"

# The same, had a name become markup
sed 's|</h1>|&<script>owned = 1</script><style>h1 { color: rgb(1, 2, 3) !important }</style><img src="x.png" onerror="owned = 1"><p onclick="owned = 1" style="color: red">|' \
	"$T/page.html" >"$T/injected.html"
is "$(grep -c 'owned = 1</script><style>' "$T/injected.html")" 1 "a page with scripts put into it"

in_browser report "$T"

# Beside an hour before, when it grew by an eighth of that
sqlite3 "$T/r.mw" "VACUUM INTO '$T/a.mw'"
sqlite3 "$T/a.mw" "UPDATE meta SET value = value - 3600000000000 WHERE key = 'begin_wall_ns';
	UPDATE tick SET wall_ns = wall_ns - 3600000000000;
	UPDATE site SET bytes = bytes / 8, estimated_bytes = estimated_bytes / 8, samples = samples / 8;
	UPDATE process_tick SET anon_bytes = (SELECT min(anon_bytes) FROM process_tick);
	UPDATE constructor SET count = 10, bytes = 1000"
ok "diff --format html" "$MEMWATCH" diff "$T/a.mw" "$T/r.mw" --format html -o "$T/diff.html"
in_browser diff "$T/diff.html"
is "$(find "$T" -maxdepth 1 -name 'memwatch-browser.*' | wc -l)" 0 "its profile is gone"

# However it ends
start killed env TMPDIR="$T" node -e "require('$TESTS/browser/browser').Browser.launch()
	.then((b) => console.log(b.child.pid)); setInterval(() => {}, 1000)"
await $BROWSER_SECONDS "a browser" test -s "$T/killed.out"
chromium=$(<"$T/killed.out")
kill -TERM "$(pid_of killed)"
ended killed
# shellcheck disable=SC2317 # awaited by name
group_gone() {
	! kill -0 -- "-$chromium" 2>/dev/null
}
ok "a browser ends with who drives it" wait_for 20 group_gone
is "$(find "$T" -maxdepth 1 -name 'memwatch-browser.*' | wc -l)" 0 "and leaves nothing"

done_testing
