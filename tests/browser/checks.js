// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
'use strict';
//
// checks.js - a line for each check, fields between tabs: "ok" or "not ok", what it is, why not.

function report(passes, what, why) {
	const clean = (text) => String(text).replace(/[\t\n]/g, ' ').slice(0, 1000);
	console.log([passes ? 'ok' : 'not ok', what, passes ? '' : clean(why)].join('\t'));
}

function is(got, wanted, what) {
	const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
	report(a === b, what, `got ${a}, wanted ${b}`);
}

module.exports = { report, is };
