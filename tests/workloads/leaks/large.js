// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// large.js - texts so long that V8 gives each pages of its own, kept; as many are read and dropped.
'use strict';

const { churn } = require('./garbage');
const { pace } = require('./pace');

const TEXT = 300000;
const files = [];

function readText(i) { // GARBAGE fn=readText
  return Buffer.alloc(TEXT, 97 + (i % 26)).toString('latin1').length;
}

function cacheText(i) {
  files.push(Buffer.alloc(TEXT, 97 + (i % 26)).toString('latin1')); // LEAK fn=cacheText kind=v8-survived via=open,tick
}

function open(i) {
  readText(i);
  cacheText(i);
}

pace({ keep: open, bytes: TEXT, churn });
