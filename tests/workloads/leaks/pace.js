// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// pace.js - runs a leak at a steady rate, beside functions that allocate much more and keep nothing.
//
//   pace({ keep, bytes, churn });
//
// keep(i) retains about `bytes`; it is called so often that RATE MB (3) a second are retained, until
// MAX MB (400) are. churn(i) makes garbage and returns a number; it is called so often that it
// allocates GARBAGE (8) times what is retained. A timer paces both, every 10 ms. When it runs, one line:
// {"event":"ready","pid":PID}. If stdin is a pipe the program ends with it. MAX=0 keeps nothing.
//
// In the shapes that use it, comments tell the truth that memwatch is judged by (matrix/truth.sh):
//
//   // LEAK fn=NAME kind=v8-survived|external [via=CALLER,...]   this line of function NAME allocates
//                              what is kept; via: its callers of the user's code, innermost first
//   // GARBAGE fn=NAME         NAME allocates, and keeps nothing
'use strict';

const fs = require('fs');
const { isMainThread } = require('worker_threads');

const MB = 1e6;
const TICK_MS = 10;
const LONGEST_MS = 200; // what a tick makes up for at most
const CHURN_BYTES = 1200; // about what churn(i) of garbage.js allocates

function number(name, otherwise) {
  const value = Number(process.env[name] || otherwise);
  if (value >= 0) return value;
  process.stderr.write(`${name}: '${process.env[name]}' is not a number\n`);
  process.exit(2);
}

function endWithStdin() {
  if (!isMainThread || !fs.fstatSync(0).isFIFO()) return;
  process.stdin.on('end', () => process.exit(0));
  process.stdin.resume();
}

function sayReady() {
  fs.writeSync(1, `${JSON.stringify({ event: 'ready', pid: process.pid })}\n`);
}

function pace({ keep, bytes, churn, churnBytes = CHURN_BYTES }) {
  const rate = number('RATE', 3) * MB;
  const max = number('MAX', 400) * MB;
  const ratio = number('GARBAGE', 8);
  let last = Date.now();
  let due = 0; // bytes to be retained
  let garbageDue = 0;
  let kept = 0;
  let made = 0;

  setInterval(function tick() {
    const now = Date.now();
    const elapsed = Math.min(now - last, LONGEST_MS);

    last = now;
    due += (rate * elapsed) / 1000;
    garbageDue += (ratio * rate * elapsed) / 1000;
    // Mixed as they are in a program that answers requests
    while (due >= bytes || garbageDue >= churnBytes) {
      if (due >= bytes) {
        due -= bytes;
        if (kept * bytes < max) keep(kept++);
      }
      for (let n = 0; n < ratio && garbageDue >= churnBytes; n++) {
        garbageDue -= churnBytes;
        churn(made++);
      }
    }
  }, TICK_MS);
  endWithStdin();
  sayReady();
}

module.exports = { pace, number };
