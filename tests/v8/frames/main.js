// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// What jsstack.c takes stacks of: functions of all kinds, by all tiers of V8, whose names and lines
// are written beside them, for check.js:
//
//	//= NAME, ...	functions that begin in this line, by the names that V8 has for them
//	//. NAME, ...	the last lines of functions
//	//> NAME, ...	calls: functions that may be right above this line on a stack
//
// Runs until it is killed; works on Node 12 and newer. dep/ must be in a node_modules beside it. Says
// that it is ready when it has run for a while. MARK: 16 bytes, for jsstack -m.
'use strict';

const path = require('path');
const dep = require('dep');
const sink = { value: 0 };

function spin(n) { //= spin
	let s = 0;
	for (let i = 0; i < n; i++)
		s += Math.sqrt(i ^ s & 7);
	sink.value += s;
	return s;
} //. spin

// --- inlined: small, hot ---

function small(n) { //= small
	let s = 1;
	s += spin(n); //> spin
	return s;
} //. small

function twice(n) { //= twice
	const a = small(n); //> small
	const b = small(n + 1); //> small
	return a + b;
} //. twice

// --- allocates: the callee is V8's ---

function Point(x, y) { //= Point
	this.x = x;
	this.y = [y];
} //. Point

function points(n) { //= points
	const out = [];
	for (let i = 0; i < n; i++)
		out.push(new Point(i, n)); //> Point
	return out;
} //. points

function lists(n) { //= lists
	let last = null;
	for (let i = 0; i < n; i++)
		last = { i, next: last, text: 'x' + i };
	return last;
} //. lists

// --- allocations in what is inlined; the mark tells jsstack.c which of them it is in ---

const mark = new Int32Array(new ArrayBuffer(4096));
Buffer.from(process.env.MARK || '').forEach((c, i) => (new Uint8Array(mark.buffer)[i] = c ^ 0x55));

function objects(n) { //= objects
	let last = null;
	for (let i = 0; i < n; i++)
		last = { i, next: i & 7 ? last : null };
	return last;
} //. objects

function arrays(n) { //= arrays
	let last = null;
	for (let i = 0; i < n; i++)
		last = [i, last && last[0]];
	return last;
} //. arrays

function closures(n) { //= closures
	let last = null;
	for (let i = 0; i < n; i++)
		last = () => i; //= last //. last
	return last;
} //. closures

function doubles(n) { //= doubles
	const last = [];
	for (let i = 0; i < n; i++)
		last.push(i + 0.5);
	return last;
} //. doubles

function allocates(n) { //= allocates
	mark[4] = 1;
	sink.a = objects(n); //> objects
	mark[4] = 2;
	sink.b = arrays(n); //> arrays
	mark[4] = 3;
	sink.c = closures(n); //> closures
	mark[4] = 4;
	sink.d = doubles(n); //> doubles
	mark[4] = 0;
} //. allocates

// --- classes ---

class Base {
	constructor(n) { //= Base
		this.n = n;
	} //. Base

	work(n) { //= work
		const v = this.step(n); //> step
		return v;
	} //. work
}

class Derived extends Base {
	#secret = 1;

	constructor(n) { //= Derived, <instance_members_initializer>
		super(n); //> Base, <instance_members_initializer>
	} //. Derived, <instance_members_initializer>

	step(n) { //= step
		this.#secret++;
		return this.load + spin(n); //> get load, spin
	} //. step

	get load() { //= get load
		return spin(20); //> spin
	} //. get load

	static make(n) { //= make
		return new Derived(n); //> Derived
	} //. make
}

// --- closures, arrows, callbacks of builtins ---

const outer = (n) => { //= outer
	const inner = (m) => { //= inner
		return spin(m + n); //> spin
	}; //. inner
	return inner(n) + inner(1); //> inner
}; //. outer

function callbacks(n) { //= callbacks
	const list = [3, 1, 2];
	const mapped = list.map((x) => { //= (anonymous) //> (anonymous)
		return spin(x + n); //> spin
	}); //. (anonymous)
	list.forEach(function visit(x) { //= visit //> visit
		spin(x); //> spin
	}); //. visit
	list.sort((a, b) => compare(a, b)); //= (anonymous) //. (anonymous) //> compare, (anonymous)
	return mapped.length;
} //. callbacks

function compare(a, b) { //= compare
	spin(30); //> spin
	return a - b;
} //. compare

// --- names that V8 infers ---

const holder = {};
holder.deep = { member: null };
holder.deep.member = function () { //= holder.deep.member
	return spin(300); //> spin
}; //. holder.deep.member

const assigned = function () { //= assigned
	return spin(300); //> spin
}; //. assigned

// --- recursion ---

function fib(n) { //= fib
	if (n < 2)
		return spin(10); //> spin
	return fib(n - 1) + //> fib
		fib(n - 2); //> fib
} //. fib

// --- rarely called: interpreted and baseline code, above long builtins ---

const big = Array.from({ length: 3000 }, (_, i) => ({ i, name: 'n' + i }));
const json = JSON.stringify(big);

function rare() { //= rare
	const copy = JSON.parse(json);
	const text = JSON.stringify(copy);
	return text.length + spin(20000); //> spin
} //. rare

function many(a0, a1, a2) { //= many
	let v0 = 0, v1 = 1, v2 = 2, v3 = 3, v4 = 4, v5 = 5, v6 = 6, v7 = 7, v8 = 8, v9 = 9;
	const f = () => { //= f
		v0 += v1 + v2 + v3 + v4 + v5 + v6 + v7 + v8 + v9 + a0 + a1 + a2;
		return spin(200); //> spin
	}; //. f
	return f() + v0; //> f
} //. many

// --- code that is made at run time ---

const made = new Function('spin', 'n', 'const x = n;\nreturn spin(x);');
const evaluated = eval('(function evaluated(spin, n) {\n\n return spin(n); })');

function dynamic(n) { //= dynamic
	made(spin, n); //> (anonymous)
	return evaluated(spin, n); //> evaluated
} //. dynamic

// --- async, generators ---

async function waits(n) { //= waits
	const v = await later(n); //> later
	spin(n); //> spin
	return v;
} //. waits

async function later(n) { //= later
	await null;
	return spin(n); //> spin
} //. later

function* numbers(n) { //= numbers
	for (let i = 0; i < 3; i++)
		yield spin(n); //> spin
} //. numbers

function drain(n) { //= drain
	let s = 0;
	for (const v of numbers(n)) //> numbers
		s += v;
	return s;
} //. drain

// --- others' code ---

function depends(n) { //= depends
	return dep.call(() => spin(n)); //= (anonymous) //. (anonymous) //> call, spin
} //. depends

function round(d) { //= round
	twice(3000); //> twice
	points(300); //> points
	lists(300); //> lists
	allocates(1500); //> allocates
	d.work(2000); //> work
	Derived.make(1); //> make
	outer(2000); //> outer
	callbacks(500); //> callbacks
	holder.deep.member(); //> holder.deep.member
	assigned(); //> assigned
	fib(8); //> fib
	many(1, 2, 3); //> many
	dynamic(2000); //> dynamic
	drain(1000); //> drain
	depends(2000); //> depends
} //. round

const derived = Derived.make(2);
const warm = Date.now() + 1200;
let isReady = false;

function tick() { //= tick
	const end = Date.now() + 15;
	if (!isReady && end > warm) {
		isReady = true;
		console.log('{"event":"ready"}');
	}
	rare(); //> rare
	waits(3000).catch(fail); //> waits
	while (Date.now() < end)
		round(derived); //> round
	setTimeout(tick, 1);
} //. tick

function fail(e) { //= fail
	console.error(e);
	process.exit(1);
} //. fail

tick();
if (!process.env.NO_WORKER) {
	const { Worker } = require('worker_threads');
	new Worker(path.join(__dirname, 'worker.js'));
}
if (Number(process.versions.node.split('.')[0]) >= 16)
	require('./newer.js');
import('./module.mjs').catch(fail);
