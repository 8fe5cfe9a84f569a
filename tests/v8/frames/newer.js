// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// Syntax that Node 12 does not have.
'use strict';

class Private {
	#count = 0;

	#hidden(n) { //= #hidden
		let s = 0;
		for (let i = 0; i < n; i++)
			s += i ^ this.#count;
		return s;
	} //. #hidden

	static #shared(n) { //= #shared
		return n + 1;
	} //. #shared

	open(n) { //= open
		this.#count = Private.#shared(n); //> #shared
		return this.#hidden(n); //> #hidden
	} //. open
}

const p = new Private();

function pulse() { //= pulse
	const end = Date.now() + 3;
	while (Date.now() < end)
		p.open(2000); //> open
	setTimeout(pulse, 5);
} //. pulse

pulse();
