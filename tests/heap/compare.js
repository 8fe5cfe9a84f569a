// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// compare.js - a census of memwatch against a heap snapshot of V8 of the same process.
//
//   memwatch heap -p PID --json >CENSUS; (the process writes SNAPSHOT)
//   node compare.js CENSUS SNAPSHOT [--top N]
//
// A table of the N constructors that differ most on stderr; one line of JSON on stdout:
// {"constructors": {"snapshot", "census", "same"}, "count_pct", "bytes_pct", "classes": {...},
// "heap": {...}}. The two _pct are the sums of all constructors' absolute differences, in % of what the snapshot has; those of
// classes and heap are plain differences.
'use strict';

const fs = require('fs');

const { add, readSnapshot } = require('./snapshot');

const CLASS_OF = { context: 'object', shape: 'hidden', system: 'hidden' };

function readCensus(path) {
  const groups = new Map();

  for (const line of fs.readFileSync(path, 'utf8').split('\n')) {
    if (!line.startsWith('{"type":"constructor"')) continue;
    const record = JSON.parse(line);
    const name = record.kind === 'context' ? 'system / Context' : record.class || record.name;
    // Proxies are V8's own for a snapshot
    const group = name === 'system / JSProxy' ? 'hidden' : CLASS_OF[record.kind] || record.kind;
    add(groups, group, name, record.count, record.bytes);
  }
  return groups;
}

const NONE = { count: 0, bytes: 0 };

function percent(part, whole) {
  return whole ? Math.round((1e5 * part) / whole) / 1e3 : part ? 100 : 0;
}

function compare(census, snapshot) {
  const rows = [...new Set([...census.keys(), ...snapshot.keys()])].map((key) => {
    const [group, name] = key.split('\t');
    return { group, name, census: census.get(key) || NONE, snapshot: snapshot.get(key) || NONE };
  });
  const objects = rows.filter((row) => row.group === 'object');
  const sum = (of) => objects.reduce((all, row) => all + of(row), 0);
  const off = (what) => sum((row) => Math.abs(row.census[what] - row.snapshot[what]));
  const whole = (what) => sum((row) => row.snapshot[what]);
  const classes = {};
  const all = { count: 0, bytes: 0, off_count: 0, off_bytes: 0 };

  for (const row of rows) {
    all.count += row.snapshot.count;
    all.bytes += row.snapshot.bytes;
    all.off_count += row.census.count - row.snapshot.count;
    all.off_bytes += row.census.bytes - row.snapshot.bytes;
  }
  for (const row of rows.filter((r) => r.group !== 'object')) {
    classes[row.group] = {
      count: row.snapshot.count,
      count_pct: percent(row.census.count - row.snapshot.count, row.snapshot.count),
      bytes: row.snapshot.bytes,
      bytes_pct: percent(row.census.bytes - row.snapshot.bytes, row.snapshot.bytes),
    };
  }
  return {
    rows: objects,
    verdict: {
      constructors: {
        snapshot: objects.filter((row) => row.snapshot.count).length,
        census: objects.filter((row) => row.census.count).length,
        same: objects.filter((row) => row.snapshot.count === row.census.count).length,
      },
      objects: whole('count'),
      bytes: whole('bytes'),
      count_pct: percent(off('count'), whole('count')),
      bytes_pct: percent(off('bytes'), whole('bytes')),
      classes,
      heap: { count: all.count, count_pct: percent(all.off_count, all.count), bytes: all.bytes, bytes_pct: percent(all.off_bytes, all.bytes) },
    },
  };
}

function printWorst(rows, top) {
  const bytesOff = (row) => Math.abs(row.census.bytes - row.snapshot.bytes);
  const cell = (value) => String(value).padStart(10);

  process.stderr.write(`${'constructor'.padEnd(36)}${['snapshot', 'census', 'bytes', 'census'].map(cell).join('')}\n`);
  for (const row of rows.filter(bytesOff).sort((a, b) => bytesOff(b) - bytesOff(a)).slice(0, top)) {
    const cells = [row.snapshot.count, row.census.count, row.snapshot.bytes, row.census.bytes];
    process.stderr.write(`${row.name.slice(0, 35).padEnd(36)}${cells.map(cell).join('')}\n`);
  }
}

const [census, snapshot, , top] = process.argv.slice(2);
if (!snapshot) {
  process.stderr.write('usage: compare.js CENSUS SNAPSHOT [--top N]\n');
  process.exit(2);
}
const { rows, verdict } = compare(readCensus(census), readSnapshot(snapshot));
printWorst(rows, Number(top || 15));
process.stdout.write(`${JSON.stringify(verdict)}\n`);
