// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// json.js - results of JSON.parse, kept. The decoder makes as many that are dropped.
'use strict';

const { churn } = require('./garbage');
const { pace } = require('./pace');

const TEXT = JSON.stringify({
  user: { name: 'abc', tags: ['a', 'b', 'c'], meta: { x: 1.5, y: [1, 2, 3, 4, 5, 6, 7, 8] } },
  items: [1, 2, 3, 4, 5].map((n) => ({ n, price: n * 1.25, label: `article ${n}` })),
});
const profiles = [];

function loadProfile(i) {
  const profile = JSON.parse(TEXT); // LEAK fn=loadProfile kind=v8-survived via=logIn,tick
  profile.id = i;
  return profile;
}

function logIn(i) {
  profiles.push(loadProfile(i)); // the array's own growth
}

pace({ keep: logIn, bytes: 780, churn });
