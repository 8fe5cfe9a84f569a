// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// isolates.js - three heaps in one process, each with objects of its own, and Buffers of known sizes in the
// main one.
//
// Keeps 1,000 MainThing, and 5,000 WorkerThing in each of two workers. {"event":"ready","pid":P,
// "array_buffers":N} when all are there: N as process.memoryUsage() has it, in which the workers' have no
// part. Ends by a signal.
'use strict';

const { isMainThread, parentPort, Worker } = require('worker_threads');

class MainThing {}
class WorkerThing {}

const kept = [];

function ready() {
  const { arrayBuffers } = process.memoryUsage(); // since Node 12.17
  process.stdout.write(`${JSON.stringify({ event: 'ready', pid: process.pid, array_buffers: arrayBuffers })}\n`);
}

function main() {
  let running = 0;

  for (let i = 0; i < 1000; i++) kept.push(new MainThing());
  for (let i = 0; i < 20; i++) kept.push(Buffer.alloc(1e6 + i, i), new ArrayBuffer(5000 + i), new Float64Array(1000));
  for (let i = 0; i < 2; i++) {
    new Worker(__filename).on('message', () => {
      if (++running < 2) return;
      if (global.gc) global.gc();
      setTimeout(ready, 200); // what was collected is freed by then
    });
  }
}

function worker() {
  for (let i = 0; i < 5000; i++) kept.push(new WorkerThing());
  parentPort.postMessage('running');
  parentPort.on('message', () => {}); // stays
}

if (isMainThread) main();
else worker();
