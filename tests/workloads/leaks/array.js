// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// array.js - plain objects, pushed onto an array that nobody empties.
'use strict';

const { churn } = require('./garbage');
const { pace } = require('./pace');

const visits = [];

function recordVisit(i) {
  const user = { name: `user ${i}`, at: [i, i + 0.5] }; // LEAK fn=recordVisit kind=v8-survived via=handleVisit,tick
  const visit = { id: i, user, path: `/page/${i}`, scores: new Array(100).fill(i) }; // LEAK fn=recordVisit kind=v8-survived via=handleVisit,tick
  visits.push(visit); // LEAK fn=recordVisit kind=v8-survived via=handleVisit,tick
}

function handleVisit(i) {
  recordVisit(i);
}

pace({ keep: handleVisit, bytes: 1150, churn });
