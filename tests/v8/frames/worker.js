// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
'use strict';

function inWorker(n) { //= inWorker
	let s = 0;
	for (let i = 0; i < n; i++)
		s += parts(i); //> parts
	return s;
} //. inWorker

function parts(i) { //= parts
	return String(i).split('').length;
} //. parts

function beat() { //= beat
	const end = Date.now() + 5;
	while (Date.now() < end)
		inWorker(500); //> inWorker
	setTimeout(beat, 5);
} //. beat

beat();
