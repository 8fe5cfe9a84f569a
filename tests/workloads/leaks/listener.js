// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// listener.js - a listener a request on a long-lived emitter, never removed.
//
// The function's own line counts too: that is where its context is allocated, which the closure keeps.
'use strict';

const EventEmitter = require('events');

const { churn } = require('./garbage');
const { pace } = require('./pace');

const config = new EventEmitter();

config.setMaxListeners(0);

function watchConfig(i) { // LEAK fn=watchConfig kind=v8-survived via=openSession,tick
  const session = { id: i, token: `token-${i}`, limits: new Array(60).fill(i) }; // LEAK fn=watchConfig kind=v8-survived via=openSession,tick
  config.on('change', () => session.limits.fill(0)); // LEAK fn=watchConfig kind=v8-survived via=openSession,tick
}

function openSession(i) {
  watchConfig(i);
}

pace({ keep: openSession, bytes: 750, churn });
