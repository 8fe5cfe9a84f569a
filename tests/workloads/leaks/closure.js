// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// closure.js - closures that are kept, with all that is in their scope.
//
// The function's own line counts too: that is where its context is allocated, which the closure keeps.
'use strict';

const { churn } = require('./garbage');
const { pace } = require('./pace');

const undoList = [];

function makeUndo(i) { // LEAK fn=makeUndo kind=v8-survived via=edit,tick
  const before = { id: i, cells: new Array(80).fill(i), title: `document ${i}` }; // LEAK fn=makeUndo kind=v8-survived via=edit,tick
  return () => before.cells[0] + before.title.length; // LEAK fn=makeUndo kind=v8-survived via=edit,tick
}

function edit(i) {
  undoList.push(makeUndo(i)); // the array's own growth
}

pace({ keep: edit, bytes: 880, churn });
