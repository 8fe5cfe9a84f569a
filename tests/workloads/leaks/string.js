// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// string.js - texts that are put together from pieces (V8's cons strings), and kept.
'use strict';

const { churn } = require('./garbage');
const { pace } = require('./pace');

const PIECES = 12;
const transcripts = [];

function appendLines(i) {
  let text = `transcript ${i}`; // LEAK fn=appendLines kind=v8-survived via=closeCall,tick
  for (let n = 0; n < PIECES; n++) text += `, line ${n} of ${i}`; // LEAK fn=appendLines kind=v8-survived via=closeCall,tick
  return text;
}

function closeCall(i) {
  transcripts.push(appendLines(i)); // the array's own growth
}

pace({ keep: closeCall, bytes: 1350, churn });
