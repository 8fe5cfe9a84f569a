// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// step.js - after 20 s a configuration is loaded: 60 MB of objects that stay.
'use strict';

const { run, record, MB } = require('./clock');

let config = null;

run({
  step(now) {
    if (now >= 20 && !config) config = record(0, 60 * MB);
  },
});
