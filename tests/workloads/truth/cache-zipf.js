// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// cache-zipf.js - an LRU cache, its keys as real ones are: few are asked for often, most seldom. It
// fills more and more slowly, and is full after some 40 s.
'use strict';

const { run, record, MB } = require('./clock');

const ENTRY = 10000;
const ROOM = (50 * MB) / ENTRY;
const KEYS = Math.floor((ROOM * 4) / 3);
const LOOKUPS = (KEYS * 3) / 40; // a second
const cache = new Map();
const weights = [];
let seed = 1;
let due = 0;

for (let i = 0, sum = 0; i < KEYS; i++) weights.push((sum += (i + 1) ** -0.8));

function draw() {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}

function drawKey() {
  const at = weights[KEYS - 1] * draw();
  let begin = 0;

  for (let end = KEYS - 1; begin < end; ) {
    const middle = (begin + end) >> 1;
    if (weights[middle] < at) begin = middle + 1;
    else end = middle;
  }
  return begin;
}

function lookup(key) {
  const value = cache.get(key) || record(key, ENTRY);

  cache.delete(key); // to its end: used last
  cache.set(key, value);
  if (cache.size > ROOM) cache.delete(cache.keys().next().value);
}

run({
  step(now, elapsed) {
    for (due += LOOKUPS * elapsed; due >= 1; due--) lookup(drawKey());
  },
});
