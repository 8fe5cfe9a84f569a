// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// ratio.js - two functions that retain exactly 1:7, by bytes: what an unbiased sampler has to find.
//
// A chain node is a JSArray (32 bytes) with a FixedArray (16 + 8 n): 272 bytes and 1904. V8 does not
// inline what it calls by an index: of two functions inlined side by side it may not say which
// allocates, and memwatch then names their caller.
'use strict';

const { churn } = require('./garbage');
const { pace } = require('./pace');

let small = null;
let large = null;

function keepSmall(i) {
  const node = new Array(28).fill(i); // LEAK fn=keepSmall kind=v8-survived weight=1 via=keepBoth,tick
  node[0] = small;
  small = node;
}

function keepLarge(i) {
  const node = new Array(232).fill(i); // LEAK fn=keepLarge kind=v8-survived weight=7 via=keepBoth,tick
  node[0] = large;
  large = node;
}

const KEEPERS = [keepSmall, keepLarge];

function keepBoth(i) {
  for (let n = 0; n < KEEPERS.length; n++) KEEPERS[n](i);
}

// V8 hands out pieces of fixed size, and what crosses the end of one is the sample. Where all sizes
// repeat, so do the places of the ends: a program's own sizes vary.
let seed = 1;

function vary(i) { // GARBAGE fn=vary
  seed = (seed * 16807) % 2147483647;
  return churn(i) + new Array(seed % 61).fill(i).length;
}

pace({ keep: keepBoth, bytes: 272 + 1904, churn: vary, churnBytes: 1500 });
