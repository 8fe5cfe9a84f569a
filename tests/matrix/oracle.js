// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// oracle.js - V8's own word on what a program keeps: its sampling heap profiler, from inside.
//
//   ORACLE_SECONDS=8 node --expose-gc -r oracle.js SHAPE.js
//
// One line a thread on stdout after that time, and the end: what is alive after collections, by the
// function that allocated it, and how the heap and the memory outside it have grown.
// {"event":"oracle","thread":0,"seconds":8,"heap_bytes":N,"external_bytes":N,
//  "live":[{"fn","file","line" (of the function),"bytes"}], "allocated":[the same] or null}
// "allocated", of all that was allocated also if it is gone, is there from Node 20 on.
'use strict';

const fs = require('fs');
const inspector = require('inspector');
const { threadId, isMainThread } = require('worker_threads');

const seconds = Number(process.env.ORACLE_SECONDS || 8);
const all = process.env.ORACLE_ALL === '1';
const session = new inspector.Session();

function collect() {
  for (let i = 0; i < 4; i++) global.gc();
}

function memory() {
  const { heapUsed, external } = process.memoryUsage();
  return { heap: heapUsed, external };
}

function byFunction(head) {
  const found = new Map();
  const walk = (node) => {
    const { functionName, url, lineNumber } = node.callFrame;
    const key = `${functionName} ${url} ${lineNumber}`;
    const entry = found.get(key) || { fn: functionName, file: url, line: lineNumber + 1, bytes: 0 };

    entry.bytes += node.selfSize;
    if (entry.bytes) found.set(key, entry);
    node.children.forEach(walk);
  };

  walk(head);
  return Array.from(found.values()).sort((a, b) => b.bytes - a.bytes);
}

function finish(before) {
  if (!all) collect();
  const after = memory();

  session.post('HeapProfiler.stopSampling', (error, { profile } = {}) => {
    if (error) throw new Error(error.message);
    const line = {
      event: 'oracle',
      thread: threadId,
      seconds,
      heap_bytes: after.heap - before.heap,
      external_bytes: after.external - before.external,
      [all ? 'allocated' : 'live']: byFunction(profile.head),
    };
    fs.writeSync(1, `${JSON.stringify(line)}\n`);
    if (isMainThread) setTimeout(() => process.exit(0), 500);
  });
}

session.connect();
setTimeout(() => {
  collect();
  const before = memory();
  const options = { samplingInterval: 16384 };

  if (all) {
    options.includeObjectsCollectedByMajorGC = true;
    options.includeObjectsCollectedByMinorGC = true;
  }
  session.post('HeapProfiler.startSampling', options, (error) => {
    if (error) throw new Error(error.message);
    setTimeout(finish, seconds * 1000, before);
  });
}, 1000);
