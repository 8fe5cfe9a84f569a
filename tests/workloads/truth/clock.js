// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// clock.js - runs a pattern of memory by the clock, beside garbage.
//
//   run({ step, garbage })
//
// Every 20 ms step(seconds since the start, seconds since the last step) is called, and `garbage`
// MB a second (4) are allocated and dropped. When it runs, one line: {"event":"ready","pid":PID}.
// If stdin is a pipe the program ends with it.
'use strict';

const fs = require('fs');

const { churn } = require('../leaks/garbage');

const MB = 1e6;
const TICK_MS = 20;
const CHURN_BYTES = 1200; // about what churn(i) allocates
const LONGEST_S = 0.5; // what a step makes up for at most

function run({ step, garbage = 4 }) {
  const begin = Date.now();
  let last = 0;
  let due = 0;
  let made = 0;

  setInterval(() => {
    const now = (Date.now() - begin) / 1000;
    const elapsed = Math.min(now - last, LONGEST_S);

    last = now;
    for (due += garbage * MB * elapsed; due >= CHURN_BYTES; due -= CHURN_BYTES) churn(made++);
    step(now, elapsed);
  }, TICK_MS);
  if (fs.fstatSync(0).isFIFO()) {
    process.stdin.on('end', () => process.exit(0));
    process.stdin.resume();
  }
  fs.writeSync(1, `${JSON.stringify({ event: 'ready', pid: process.pid })}\n`);
}

// About `bytes` of objects and numbers, in V8's heap
function record(id, bytes) {
  const rows = [];
  for (let left = bytes; left > 0; left -= 500) {
    rows.push({ id, name: `row ${left}`, values: new Array(50).fill(left) });
  }
  return { id, rows };
}

module.exports = { run, record, MB };
