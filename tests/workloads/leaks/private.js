// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// private.js - a class that hides what it keeps in a #private field.
'use strict';

const { churn } = require('./garbage');
const { pace } = require('./pace');

class Ledger {
  #entries = [];

  addEntry(i) {
    const entry = { id: i, account: `account ${i}`, amounts: new Array(90).fill(i) }; // LEAK fn=addEntry kind=v8-survived via=post,tick
    this.#entries.push(entry); // LEAK fn=addEntry kind=v8-survived via=post,tick
  }

  post(i) {
    this.addEntry(i);
  }
}

const ledger = new Ledger();

pace({ keep: (i) => ledger.post(i), bytes: 900, churn });
