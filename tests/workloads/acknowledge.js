// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// acknowledge.js - tells each SIGUSR2 that arrives: {"event":"signal","count":N}. Its heap has
// MIB (first argument) of objects, none of which it makes or drops later. Ends by a signal.
'use strict';

const kept = [];
let count = 0;

while (process.memoryUsage().heapUsed < Number(process.argv[2] || 0) * 2 ** 20)
  for (let i = 0; i < 10000; i++)
    kept.push({ i });

process.on('SIGUSR2', () => console.log(JSON.stringify({ event: 'signal', count: ++count })));
setInterval(() => kept.length, 3600000);
console.log(JSON.stringify({ event: 'ready', pid: process.pid }));
