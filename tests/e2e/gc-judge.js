// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// gc-judge.js TRACE RECORDS - what memwatch saw of the collections that V8 told of.
//
// TRACE is the stdout of workloads/gc-traced.js, RECORDS the NDJSON of memwatch. One object on stdout:
//
//	isolates	of V8's that collected between "go" and "done"
//	printed, seen	collections in that time, by V8's word and by memwatch's
//	missing, extra	of those, not seen; seen, and not told of by V8
//	different	seen with another kind, or a size after that is off by more than 0.2 MB
//	examples	of these
//	pause_ratio	median of pause_ns to what V8 printed; pauses_off: how many are not within 0.1..1.1 of it
//			nor within 0.3 ms (V8 also waits for other threads, and so for the CPU)
//	live_pct	the largest deviation of live_bytes from V8's used_heap_size, of steps: that many
//	limits		of the main thread's heap, distinct
//	external_pct	how far the growth of external_bytes is off that of the Buffers; null: never told
//
// V8 prints the Isolate's address, memwatch has the Heap's, which is in the Isolate.
'use strict';

const fs = require('fs');

const TOLERANCE_BYTES = 0.2 * 1048576;
const GC = /^\[\d+:(0x[0-9a-f]+)(?::\d+)?\]\s+\d+ ms: (.*?) [\d.]+ \([\d.]+\) -> ([\d.]+) \([\d.]+\) MB, .*?([\d.]+) \/ [\d.]+ ms/;

const kindOf = (name) => (/minor/i.test(name) ? 'minor-mark-sweep' : /scav/i.test(name) ? 'scavenge' : 'mark-compact');
const median = (list) => (list.length ? list.slice().sort((a, b) => a - b)[list.length >> 1] : null);

// V8's word: the collections in order, and where among them "go", "done" and the steps are
function readTrace(path) {
  const trace = { collections: [], marks: {}, steps: [] };
  for (const line of fs.readFileSync(path, 'utf8').split('\n')) {
    const gc = GC.exec(line);
    const at = trace.collections.length;
    if (gc) {
      trace.collections.push({ isolate: BigInt(gc[1]), kind: kindOf(gc[2]), after: Number(gc[3]) * 1048576, ms: Number(gc[4]), at, line });
    } else if (line.startsWith('{')) {
      const said = JSON.parse(line);
      if (said.event === 'step') trace.steps.push({ ...said, at });
      else trace.marks[said.event] = at;
    }
  }
  return trace;
}

// Memwatch's: by the isolate that the heap is in
function readRecords(path, isolates) {
  const byIsolate = new Map(isolates.map((isolate) => [isolate, []]));
  const strangers = [];
  for (const line of fs.readFileSync(path, 'utf8').split('\n')) {
    if (!line.startsWith('{"type":"gc"')) continue;
    const record = JSON.parse(line);
    const heap = BigInt(record.isolate || 0);
    const home = isolates.filter((isolate) => isolate <= heap && heap - isolate < 0x20000n).pop();
    (home === undefined ? strangers : byIsolate.get(home)).push(record);
  }
  for (const list of byIsolate.values()) list.sort((a, b) => a.ts_ns - b.ts_ns);
  return { byIsolate, strangers };
}

const isSame = (record, gc) => record.kind === gc.kind && Math.abs((record.live_bytes || 0) - gc.after) <= TOLERANCE_BYTES;

// Where in V8's list memwatch's begins: it came in the midst, and from then on saw all
function firstSeen(records, told) {
  let best = { at: told.length, same: -1 };
  for (let at = 0; at <= told.length; at++) {
    let same = 0;
    for (let i = 0; i < records.length && at + i < told.length; i++) same += isSame(records[i], told[at + i]);
    if (same > best.same) best = { at, same };
  }
  return best.at;
}

function judge(trace, records, isolate, verdict) {
  const told = trace.collections.filter((gc) => gc.isolate === isolate);
  const seen = records.byIsolate.get(isolate);
  const first = firstSeen(seen, told);
  const isDue = (gc) => gc.at >= trace.marks.go && gc.at < trace.marks.done;
  const show = (what, gc, record) => {
    if (verdict.examples.length < 5) verdict.examples.push(`${what}: ${gc && gc.line.slice(0, 120)}: ${record && JSON.stringify(record)}`);
  };

  verdict.isolates += told.some(isDue) ? 1 : 0;
  verdict.extra += Math.max(0, first + seen.length - told.length);
  told.forEach((gc, i) => {
    const record = seen[i - first];
    if (!isDue(gc)) return;
    verdict.printed++;
    if (!record) {
      verdict.missing++;
      show('missing', gc);
      return;
    }
    gc.record = record;
    verdict.seen++;
    if (!isSame(record, gc)) {
      verdict.different++;
      show('different', gc, record);
    }
    const ms = record.pause_ns / 1e6;
    verdict.ratios.push(ms / Math.max(gc.ms, 0.05));
    if (Math.abs(ms - gc.ms) > 0.3 && (ms < gc.ms / 10 || ms > gc.ms * 1.1)) {
      verdict.pauses_off++;
      show('pause', gc, record);
    }
  });
}

// The main thread's heap, where V8 was asked right after a full collection
function judgeSteps(trace, verdict) {
  const main = trace.collections[0].isolate;
  const known = [];
  const limits = new Set();
  for (const step of trace.steps) {
    const gc = trace.collections.filter((c) => c.isolate === main && c.kind === 'mark-compact' && c.at < step.at).pop();
    if (!gc || !gc.record) continue;
    known.push({ step, record: gc.record });
    verdict.live_pct = Math.max(verdict.live_pct, Math.abs(gc.record.live_bytes / step.used - 1) * 100);
  }
  for (const gc of trace.collections) if (gc.record && gc.isolate === main) limits.add(gc.record.limit_bytes || 0);
  verdict.steps = known.length;
  verdict.limits = [...limits];
  if (known.length > 1 && known.every((k) => k.record.external_bytes)) {
    const [a, b] = [known[0], known[known.length - 1]];
    const ratio = (b.record.external_bytes - a.record.external_bytes) / (b.step.buffers - a.step.buffers);
    verdict.external_pct = Math.abs(ratio - 1) * 100;
  }
}

const trace = readTrace(process.argv[2]);
const isolates = [...new Set(trace.collections.map((gc) => gc.isolate))].sort((a, b) => (a < b ? -1 : 1));
const records = readRecords(process.argv[3], isolates);
const verdict = {
  isolates: 0, printed: 0, seen: 0, missing: 0, extra: records.strangers.length, different: 0, examples: [],
  ratios: [], pauses_off: 0, live_pct: 0, steps: 0, limits: [], external_pct: null,
};
for (const isolate of isolates) judge(trace, records, isolate, verdict);
judgeSteps(trace, verdict);
verdict.pause_ratio = median(verdict.ratios);
delete verdict.ratios;
console.log(JSON.stringify(verdict));
