// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// map.js - objects in a Map under a new key each, as a cache without a limit has them.
'use strict';

const { churn } = require('./garbage');
const { pace } = require('./pace');

const contexts = new Map();

function saveContext(i) {
  const context = { id: i, url: `/status/${i}`, tags: ['a', 'b', `c${i}`], data: new Array(60).fill(i) }; // LEAK fn=saveContext kind=v8-survived via=handleStatus,tick
  contexts.set(`context-${i}`, context); // LEAK fn=saveContext kind=v8-survived via=handleStatus,tick
}

function handleStatus(i) {
  saveContext(i);
}

pace({ keep: handleStatus, bytes: 900, churn });
