# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# judge.jq - was memwatch right about one process, at each second that it was watched?
#
#	jq -n -f judge.jq --arg name NAME --arg expected '0:leak' --argjson rate 2000000 memwatch.ndjson
#
# A verdict counts until the next one. "too-early" is never wrong, and at the end it is not right.
# Faults:
#	false-alarm	"leak": true about what does not leak
#	sure-and-wrong	another class than expected, with confidence of 0.9 or more
#	missed		a leak that is not called one, by its class, in the end
#	late		one of 1 MB/s or more, called so and then always only after 60 s
# "undecided" in the end is no fault where nothing leaks.

def late_s: 60;
def late_rate: 1000000;
def sure: 0.9;

def phases: $expected | split(" ") | map(split(":") | {from: (.[0] | tonumber), classes: (.[1] | split(","))});

def seconds(from; to): (to - from) / 1e8 | round / 10;

[inputs] as $records |
phases as $phases |
[$records[] | select(.type == "process")] as $ticks |
if ($ticks | length) < 2 then error("\($name): no ticks") else . end |
$ticks[0].ts_ns as $first_ns | $ticks[-1].ts_ns as $last_ns | $ticks[0].start_ns as $born_ns |
($rate > 0) as $leaks |
def allowed($ns): (($ns - $born_ns) / 1e9) as $s | [$phases[] | select(.from <= $s)][-1].classes;
def is_right($ns): .class as $class | (allowed($ns) | any(. == $class)) and .leak == $leaks;

[$records[] | select(.type == "verdict") | {ns: .ts_ns, class, leak, confidence: (.confidence // 0), slope_bytes_per_s, evidence}] as $verdicts |
# One a second; verdicts are in the order of time
(reduce range(0; ($last_ns - $first_ns) / 1e9 | floor + 1) as $i ({at: -1, list: []};
	($first_ns + $i * 1e9) as $ns |
	until(.at + 1 >= ($verdicts | length) or $verdicts[.at + 1].ns > $ns; .at += 1) |
	.list += [if .at < 0 then {ns: $ns, class: "too-early", leak: false, confidence: 0}
		else $verdicts[.at] | .ns = $ns end]) | .list) as $each |
[$each[] | .right = is_right(.ns) | .early = (.class == "too-early") |
	.s = seconds($first_ns; .ns) | del(.evidence)] as $seconds |
($verdicts[-1] // {class: "none", leak: false, confidence: 0}) as $last |
(reduce $seconds[] as $s (null; if $s.right then . // $s.s else null end)) as $right_since |
([$verdicts[] | select(.leak and ($leaks | not))]) as $alarms |
([$seconds[] | select(.confidence >= sure and (.early or .right | not))]) as $wrong |
{
	name: $name, leaks: $leaks, rate: $rate, expected: $phases[-1].classes,
	final: $last.class, final_leak: $last.leak, confidence: $last.confidence,
	right: ($last | is_right($last_ns)), right_since_s: $right_since,
	watched_s: seconds($first_ns; $last_ns), verdicts: ($verdicts | length),
	buckets: ([$seconds[] | select(.early | not) | {
			bucket: ([.confidence * 10 | floor, 9] | min), right}] |
		group_by(.bucket) | map({bucket: .[0].bucket, seconds: length, right: (map(select(.right)) | length)})),
	early_s: ([$seconds[] | select(.early)] | length),
	faults: (
		[$alarms[:1][] | "false-alarm: \(.class) at \(seconds($first_ns; .ns)) s, confidence \(.confidence)"] +
		[$wrong[:1][] | "sure-and-wrong: \(.class) at \(.s) s, confidence \(.confidence), for \($wrong | length) s"] +
		(if $leaks and ($last | is_right($last_ns) | not) then ["missed: \($last.class) in the end"]
		 elif $leaks and $rate >= late_rate and $right_since > late_s then ["late: right only after \($right_since) s"]
		 else [] end)),
	collections: ([$records[] | select(.type == "gc")] | length),
	evidence: $last.evidence,
	course: [$verdicts[] | "\(seconds($first_ns; .ns))s \(.class)\(if .leak then "!" else "" end) \(.confidence)"]
}
