// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// warmup.js - a program that gets into its stride: modules are loaded and functions compiled upon
// their first use, each second fewer new ones; after half a minute nothing is new.
'use strict';

const { run } = require('./clock');

const FUNCTIONS = 6000;
const HALF_S = 6; // so long until half of what is left has been used
const MODULES = ['http', 'https', 'zlib', 'crypto', 'dns', 'tls', 'readline', 'vm', 'cluster', 'repl'];
const compiled = [];

function compile(i) {
  const lines = [];
  for (let n = 0; n < 30; n++) lines.push(`if (x % ${i + n + 2} === 0) sum += x * ${n} + ${i};`);
  return new Function('x', `let sum = 0; ${lines.join('\n')} return sum;`);
}

run({
  garbage: 8,
  step(now) {
    const wanted = FUNCTIONS * (1 - 0.5 ** (now / HALF_S));

    while (compiled.length < wanted) compiled.push(compile(compiled.length));
    if (MODULES.length && now > 2 * (11 - MODULES.length)) require(MODULES.pop());
    for (let i = 0; i < 200; i++) compiled[(i * 31) % compiled.length](i);
  },
});
