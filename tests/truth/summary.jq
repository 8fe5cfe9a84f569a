# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# summary.jq - all that judge.jq said, as tables: jq -s -r -f summary.jq *.json
# Its last line begins with "truth:"; "passed" or "FAILED" ends it.

def pad($n): tostring | . + (" " * ([$n - length, 1] | max));
def lead($n): tostring | (" " * ([$n - length, 0] | max)) + .;
def share($a; $b): if $b == 0 then "-" else "\($a / $b * 1000 | round / 10) %" end;

sort_by(.leaks | not) as $runs |
([$runs[] | .final] | unique) as $finals |
([$runs[].buckets[]] | group_by(.bucket) | map({bucket: .[0].bucket, seconds: (map(.seconds) | add),
	right: (map(.right) | add)})) as $buckets |
([$buckets[] | select(.bucket == 9)] | first // {seconds: 0, right: 0}) as $sure |
([$runs[] | select(.right)] | length) as $right |
([$runs[] | select(.faults[] | startswith("false-alarm"))] | unique_by(.name) | length) as $alarms |
([$runs[] | select(.faults != [])] | length) as $faulty |
($sure.seconds == 0 or $sure.right / $sure.seconds >= 0.9) as $honest |

("\("workload" | pad(24))\("expected" | pad(28))\("in the end" | pad(16))\("conf" | pad(6))right since"),
($runs[] | "\(.name | pad(24))\(.expected | join(",") | .[:27] | pad(28))\(.final + (if .final_leak then "!" else "" end) | pad(16))\(.confidence * 100 | round / 100 | pad(6))\(
	if .right_since_s == null then "-" else "\(.right_since_s) s" end)\(
	if .faults == [] then "" else "   FAULT " + (.faults | join("; ")) end)"),
"",
"expected (rows) by what was said in the end",
("" | pad(28)) + ($finals | map(lead(13)) | join("")),
($runs | group_by(.expected)[] | (.[0].expected | join(",") | .[:27] | pad(28)) + (. as $row |
	[$finals[] as $f | [$row[] | select(.final == $f)] | length | if . == 0 then "." else . end | lead(13)] | join(""))),
"",
"seconds of all runs by confidence, and the share of them that was right",
($buckets[] | "\(.bucket / 10)-\((.bucket + 1) / 10)" + (.seconds | lead(8)) + "  " + share(.right; .seconds)),
("too early" | pad(9)) + ([$runs[].early_s] | add // 0 | lead(4)),
"",
([$runs[] | select(.leaks and .right_since_s != null and .rate >= 1000000) | .right_since_s] | sort |
	if length == 0 then empty else "leaks of 1 MB/s or more: right after \(.[length / 2 | floor]) s in the median, \(.[-1]) s at most" end),
"truth: \($right) of \($runs | length) right; \($alarms) false alarms; calibration at >= 0.9: \(share($sure.right; $sure.seconds)); \(
	if $faulty == 0 and $honest and ($runs | length) > 0 then "passed" else "FAILED" end)"
