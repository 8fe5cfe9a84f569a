// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// npm.js - a real package from npm (lru-cache 6), told to keep everything. Its own frames are on
// top of the stack; whose code it is that fills the cache is the question. Needs NODE_PATH (node.sh).
'use strict';

const LRU = require('lru-cache');

const { churn } = require('./garbage');
const { pace } = require('./pace');

const cache = new LRU({ max: Infinity, maxAge: 24 * 3600 * 1000 });

function cacheReply(i) {
  const reply = { id: i, text: `reply ${i}`, rows: new Array(40).fill(i) }; // LEAK fn=cacheReply kind=v8-survived via=answer,tick
  cache.set(`key-${i}`, reply); // LEAK fn=cacheReply kind=v8-survived via=answer,tick
}

function answer(i) {
  cacheReply(i);
}

pace({ keep: answer, bytes: 850, churn });
