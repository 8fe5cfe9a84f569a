// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// cache-even.js - an LRU cache, each key new: fills at an even rate for 40 s, then stays full.
'use strict';

const { run, record, MB } = require('./clock');

const ENTRY = 10000;
const ROOM = (60 * MB) / ENTRY;
const PER_SECOND = ROOM / 40;
const cache = new Map();
let due = 0;
let next = 0;

function put(key, value) {
  cache.set(key, value);
  if (cache.size > ROOM) cache.delete(cache.keys().next().value);
}

run({
  step(now, elapsed) {
    for (due += PER_SECOND * elapsed; due >= 1; due--) put(next, record(next++, ENTRY));
  },
});
