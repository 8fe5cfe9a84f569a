// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// buffers.js - a ring of 200 Buffers of 64 KB, 100 of them new each second: external memory that is
// replaced, not kept.
'use strict';

const { run } = require('./clock');

const ring = new Array(200).fill(null);
let due = 0;
let next = 0;

run({
  step(now, elapsed) {
    for (due += 100 * elapsed; due >= 1; due--) ring[next++ % ring.length] = Buffer.alloc(65536, 1);
  },
});
