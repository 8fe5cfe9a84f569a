#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The judge of verdicts (truth/judge.jq, summary.jq), judged on records written by hand; and that the
# corpus is well-formed. Needs no root.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
command -v jq >/dev/null || die "jq is not installed: run make deps"

# --- the corpus ---

is "$(awk -F'\t' '!/^#/ && NF != 8' "$TESTS/truth/corpus.tsv")" "" "each line of the corpus has its eight columns"
is "$(grep -v '^#' "$TESTS/truth/corpus.tsv" | cut -f1 | sort | uniq -d)" "" "names are not used twice"
is "$(awk -F'\t' '!/^#/ { $7 > 0 ? leaks++ : others++ } END { print (others >= leaks) }' "$TESTS/truth/corpus.tsv")" 1 \
	"half of it at least does not leak"
classes=$(grep -o '\[VERDICT_[A-Z_]*\] = {"[a-z-]*' "$ROOT/user/analysis/verdict.c" | sed 's/.*"//')
is "$(awk -F'\t' '!/^#/ { print $8 }' "$TESTS/truth/corpus.tsv" | tr -s " ," "\n" | sed 's/.*://' | sort -u |
	grep -vxF "$classes")" "" "what is expected are classes of verdicts"

# --- the judge ---

# watched SECONDS VERDICT...: ticks of a process that began 3 s before, and AT:CLASS:LEAK:CONFIDENCE
watched() {
	local seconds=$1 i
	shift
	for ((i = 0; i <= seconds; i++)); do
		printf '{"type":"process","ts_ns":%d,"start_ns":1000000000}\n' $(((i + 4) * 1000000000))
	done
	for i; do
		IFS=: read -r at class leak confidence <<<"$i"
		printf '{"type":"verdict","ts_ns":%d,"class":"%s","leak":%s,"confidence":%s,"evidence":[]}\n' \
			$(((at + 4) * 1000000000)) "$class" "$leak" "$confidence"
	done
}

# judged NAME EXPECTED RATE: of records on stdin
judged() {
	jq -cn -f "$TESTS/truth/judge.jq" --arg name "$1" --arg expected "$2" --argjson rate "$3" >"$T/$1.json"
}

# about NAME FILTER
about() {
	jq -c "$2" "$T/$1.json"
}

watched 90 0:too-early:false:0 40:leak:true:0.65 70:leak:true:0.81 | judged found 0:leak 2000000
is "$(about found '[.right, .right_since_s, .early_s, .faults]')" '[true,40,40,[]]' "a leak that is found after 40 s"
is "$(about found .buckets)" '[{"bucket":6,"seconds":30,"right":30},{"bucket":8,"seconds":21,"right":21}]' \
	"seconds count by the confidence that they have"

watched 90 0:too-early:false:0 40:leak:true:0.65 50:too-early:false:0 65:leak:true:0.9 | judged late 0:leak 2000000
is "$(about late .faults)" '["late: right only after 65 s"]' "one that was found, and then doubted for too long"
watched 90 0:too-early:false:0 80:leak:true:0.65 | judged slow 0:leak 200000
is "$(about slow .faults)" '[]' "a slow leak may take its time"
watched 90 0:too-early:false:0 30:steady:false:0.8 | judged missed 0:leak 200000
is "$(about missed .faults)" '["missed: steady in the end"]' "a leak that is missed"
watched 90 0:mappings:true:0.8 | judged other 0:leak,external 2000000
is "$(about other .faults)" '["missed: mappings in the end"]' "a leak of another class is missed, too"
watched 90 0:leak:false:0.5 | judged unsaid 0:leak 2000000
is "$(about unsaid .faults)" '["missed: leak in the end"]' "a leak must be called one"
watched 90 | judged silent 0:leak 2000000
is "$(about silent .faults)" '["missed: none in the end"]' "no verdicts at all"

watched 90 0:too-early:false:0 30:leak:true:0.66 31:steady:false:0.8 | judged alarm 0:steady 0
is "$(about alarm .faults)" '["false-alarm: leak at 30 s, confidence 0.66"]' "a leak that is cried in vain, if for a second only"
watched 90 0:steady:false:0.9 | judged sure '0:warming 50:steady' 0
is "$(about sure .faults)" '["sure-and-wrong: steady at 0 s, confidence 0.9, for 47 s"]' \
	"what is expected later is wrong before, if it is sure"
watched 90 0:steady:false:0.8 | judged unsure '0:warming 50:steady' 0
is "$(about unsure '[.faults, .buckets]')" '[[],[{"bucket":8,"seconds":91,"right":44}]]' \
	"and if it is not, it counts against the calibration only"
watched 90 0:too-early:false:0 | judged undecided 0:steady 0
is "$(about undecided '[.right, .faults]')" '[false,[]]' "to be undecided about what does not leak is no fault"

# --- the summary ---

summary() {
	(cd "$T" && jq -s -r -f "$TESTS/truth/summary.jq" "$@" | tail -n 1)
}

is "$(summary found.json undecided.json slow.json)" \
	"truth: 2 of 3 right; 0 false alarms; calibration at >= 0.9: -; passed" "all as it must be"
like "$(summary found.json alarm.json)" "1 of 2 right|2 of 2 right; 1 false alarms; .*FAILED" "a false alarm fails the whole"
like "$(summary found.json unsure.json)" "passed" "what is unsure does not"
for i in 1 2 3 4 5; do
	watched 90 0:steady:false:0.95 | judged "sure$i" 0:steady 0
done
watched 18 0:churn:false:0.95 | judged off 0:steady 0
like "$(summary sure{1..5}.json off.json)" "calibration at >= 0.9: 96 %; FAILED" "calibration is by seconds; who is sure and wrong fails all the same"

done_testing
