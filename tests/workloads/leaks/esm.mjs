// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// esm.mjs - ES modules: V8 knows their scripts by URL, not by path.
import { createRequire } from 'module';

import { saveOrder } from './esm-orders.mjs';

const require = createRequire(import.meta.url);
const { churn } = require('./garbage');
const { pace } = require('./pace');

function handleOrder(i) {
  saveOrder(i);
}

pace({ keep: handleOrder, bytes: 900, churn });
