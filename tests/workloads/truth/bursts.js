// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// bursts.js - a report every 15 s: 40 MB of objects, held for 3 s, then dropped.
'use strict';

const { run, record, MB } = require('./clock');

const PERIOD_S = 15;
const HELD_S = 3;
let report = null;

run({
  step(now) {
    const busy = now % PERIOD_S >= PERIOD_S - HELD_S;

    if (busy && !report) report = record(0, 40 * MB);
    else if (!busy) report = null;
  },
});
