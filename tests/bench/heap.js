// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// heap.js - a process with a heap of a given size that notices when it stands still.
//
//   node heap.js MB
//
//   GET /pause              {"ms"}: the longest time, since this was asked last, by which its timer of 1 ms
//                           was late
//   GET /memory             process.memoryUsage()
//   GET /snapshot?PATH      v8.writeHeapSnapshot(PATH); {"ms"} that it took
//
// Prints {"listening": PORT, "pid": PID}. MB is what V8 uses of its heap, all alive.
'use strict';

const http = require('http');
const { performance } = require('perf_hooks');
const v8 = require('v8');

const MB = 1e6;
const STEP = 1000;

class Entry {
  constructor(i) {
    this.id = i;
    this.text = `entry ${i}`;
    this.list = [i, `${i}`, { of: i, at: i / 7 }];
  }
}

function fill(bytes) {
  const entries = new Map();

  while (v8.getHeapStatistics().used_heap_size < bytes) {
    for (let i = 0; i < STEP; i++) entries.set(`key ${entries.size}`, new Entry(entries.size));
  }
  return entries;
}

function watchPauses() {
  let last = performance.now();
  let longest = 0;

  setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last - 1);
    last = now;
  }, 1);
  return () => {
    // What stands out now, before the timer has told of it
    const ms = Math.max(longest, performance.now() - last - 1);
    longest = 0;
    return ms;
  };
}

// Twice: what the first round left behind as garbage counted as used.
const target = Number(process.argv[2]) * MB;
const kept = [fill(target)];
if (global.gc) global.gc();
kept.push(fill(target));

const longestPause = watchPauses();
const routes = {
  '/pause': () => ({ ms: longestPause() }),
  '/memory': () => process.memoryUsage(),
  '/snapshot': (path) => {
    const from = performance.now();
    v8.writeHeapSnapshot(decodeURIComponent(path));
    return { ms: performance.now() - from };
  },
};

const server = http.createServer((request, response) => {
  const [path, query] = request.url.split('?');
  const answer = routes[path];
  response.statusCode = answer ? 200 : 404;
  response.end(`${JSON.stringify(answer ? answer(query) : { entries: kept.length })}\n`);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ listening: server.address().port, pid: process.pid })}\n`);
});
