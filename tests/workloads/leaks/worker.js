// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// worker.js - a worker thread leaks; the main thread only makes garbage. Two isolates in one process.
'use strict';

const { isMainThread, Worker } = require('worker_threads');

const { churn } = require('./garbage');
const { pace } = require('./pace');

const results = [];

function storeResult(i) {
  const result = { id: i, label: `result ${i}`, values: new Array(100).fill(i) }; // LEAK fn=storeResult kind=v8-survived via=compute,tick
  results.push(result); // LEAK fn=storeResult kind=v8-survived via=compute,tick
}

function compute(i) {
  storeResult(i);
}

if (isMainThread) {
  const worker = new Worker(__filename);

  worker.once('message', () => pace({ keep: () => {}, bytes: 1000, churn }));
} else {
  pace({ keep: compute, bytes: 980, churn });
  require('worker_threads').parentPort.postMessage('running');
}
