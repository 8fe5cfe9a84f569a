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

// A page that was opened by its address, and what has come of it
function isQuiet(page, url, name) {
	is(page.errors, [], `${name}: nothing on the console`);
	is(page.requests, [url], `${name}: asks for nothing but itself`);
	is(page.dialogs, 0, `${name}: no dialog`);
}

module.exports = { report, is, isQuiet };
