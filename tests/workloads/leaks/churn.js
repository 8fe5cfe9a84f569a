// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// churn.js - no leak at all: whatever survives here is V8's own doing.
'use strict';

const { churn } = require('./garbage');
const { pace } = require('./pace');

pace({ keep: () => {}, bytes: 1000, churn });
