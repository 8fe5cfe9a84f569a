// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// timers.js - a deadline far away for each job, not cleared when the job is done.
//
// The function's own line counts too: that is where its context is allocated, which the closure keeps.
'use strict';

const { churn } = require('./garbage');
const { pace } = require('./pace');

const DEADLINE_MS = 24 * 3600 * 1000;

function armDeadline(i) { // LEAK fn=armDeadline kind=v8-survived via=runJob,tick
  const job = { id: i, name: `job ${i}`, steps: new Array(60).fill(i) }; // LEAK fn=armDeadline kind=v8-survived via=runJob,tick
  setTimeout(() => job.steps.fill(0), DEADLINE_MS); // LEAK fn=armDeadline kind=v8-survived via=runJob,tick
}

function runJob(i) {
  armDeadline(i);
}

pace({ keep: runJob, bytes: 980, churn });
