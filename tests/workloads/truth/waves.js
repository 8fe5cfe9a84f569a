// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// waves.js - sessions that come and go: between 10 and 50 MB are held, up and down in 12 s.
'use strict';

const { run, record, MB } = require('./clock');

const PERIOD_S = 12;
const SESSION = 20000;
const sessions = [];

run({
  garbage: 8,
  step(now) {
    const wanted = (MB * (30 - 20 * Math.cos((2 * Math.PI * now) / PERIOD_S))) / SESSION;

    while (sessions.length < wanted) sessions.push(record(sessions.length, SESSION));
    while (sessions.length > wanted) sessions.shift();
  },
});
