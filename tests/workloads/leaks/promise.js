// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// promise.js - async functions that wait for an answer that never comes.
//
// The function's own line counts too: that is where its generator and its context are allocated.
'use strict';

const { churn } = require('./garbage');
const { pace } = require('./pace');

const waiting = [];

async function waitForReply(i) { // LEAK fn=waitForReply kind=v8-survived via=sendRequest,tick
  const request = { id: i, topic: `topic ${i}`, body: new Array(60).fill(i) }; // LEAK fn=waitForReply kind=v8-survived via=sendRequest,tick
  await new Promise((resolve) => waiting.push(resolve)); // LEAK fn=waitForReply kind=v8-survived via=sendRequest,tick
  return request;
}

function sendRequest(i) {
  waitForReply(i);
}

pace({ keep: sendRequest, bytes: 1150, churn });
