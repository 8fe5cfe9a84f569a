// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// An ES module. Not all in it is ASCII: “quotes” make V8 keep its source as UTF-16.

export function exported(n) { //= exported
	let s = 0;
	for (let i = 0; i < n; i++)
		s += local(i); //> local
	return s;
} //. exported

const local = (i) => { //= local
	return i % 7 ? [i].length : 0;
}; //. local

export default function beatModule() { //= beatModule
	const end = Date.now() + 3;
	while (Date.now() < end)
		exported(500); //> exported
	setTimeout(beatModule, 5);
} //. beatModule

beatModule();
