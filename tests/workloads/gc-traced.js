// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// gc-traced.js - collections that V8 itself tells of: young and full ones, in the main thread and in a worker,
// and heaps and Buffers whose sizes V8 says right after a full collection.
//
//   stdbuf -oL node --trace-gc --expose-gc gc-traced.js [--seconds S]
//
// stdout, between the lines of --trace-gc (libc's: hence stdbuf): {"event":"ready","pid":P}, then when stdin
// says "go": {"event":"go"}, S seconds of load in both threads, {"event":"loaded"}, then a few times
//
//   {"event":"step","used":BYTES,"external":BYTES,"buffers":BYTES}
//
// of the main thread after global.gc(), each with more kept than the one before and far enough apart for memwatch
// to read them apart, and {"event":"done"}. It ends when stdin does. Its very first collection is the main thread's.
'use strict';

const fs = require('fs');
const v8 = require('v8');
const { isMainThread, Worker, workerData } = require('worker_threads');

const KEPT = 20000; // objects of a thread, replaced one after the other: they die old
const STEPS = 4;
const BASE_OBJECTS = 80000; // of the first step: used_heap_size has up to 0.25 MB that the collection did not leave
const STEP_OBJECTS = 20000;
const STEP_BUFFERS = 16;
const BUFFER_BYTES = 512 * 1024;
const READ_MS = 300; // memwatch reads external memory when it takes the record, not when it was made

function say(line) {
  fs.writeSync(1, `${JSON.stringify(line)}\n`);
}

function churn(seconds) {
  const kept = new Array(KEPT).fill(null);
  const end = Date.now() + seconds * 1000;
  let n = 0;
  while (Date.now() < end) {
    for (let i = 0; i < 200; i++, n++) kept[n % KEPT] = { n, text: `object ${n}`, list: new Array(40).fill(n) };
  }
  return n;
}

function load(seconds) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: seconds });
    worker.once('error', reject);
    worker.once('exit', resolve);
    worker.once('online', () => churn(seconds));
  });
}

function keep(list, count) {
  for (let i = 0; i < count; i++) list.push({ i, list: new Array(8).fill(i) });
}

async function steps() {
  const kept = [];
  const buffers = [];
  keep(kept, BASE_OBJECTS);
  for (let step = 0; step < STEPS; step++) {
    keep(kept, STEP_OBJECTS);
    for (let i = 0; i < STEP_BUFFERS; i++) buffers.push(Buffer.alloc(BUFFER_BYTES, i));
    global.gc();
    const heap = v8.getHeapStatistics();
    say({ event: 'step', used: heap.used_heap_size, external: heap.external_memory || 0, buffers: buffers.length * BUFFER_BYTES });
    await new Promise((resolve) => setTimeout(resolve, READ_MS));
  }
  return kept.length + buffers.length;
}

async function main() {
  const at = process.argv.indexOf('--seconds');
  global.gc();
  say({ event: 'ready', pid: process.pid });
  await new Promise((resolve) => process.stdin.once('data', resolve));
  say({ event: 'go' });
  await load(at > 0 ? Number(process.argv[at + 1]) : 1);
  say({ event: 'loaded' });
  await steps();
  say({ event: 'done' });
}

if (isMainThread) {
  main().catch((error) => {
    process.stderr.write(`gc-traced.js: ${error.stack}\n`);
    process.exit(1);
  });
} else {
  churn(workerData);
}
