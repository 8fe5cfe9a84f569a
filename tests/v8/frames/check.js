#!/usr/bin/env node
// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// check.js DIR <STACKS - compares what jsstack said with the sources in DIR: one JSON object
//
// Of each JavaScript frame whose file is in DIR: whether a function of that name begins in that
// line; and whether the line where it is can be right: of a call, the line says that it calls the
// function above; of a leaf, it is within the function.
//
// LIMITATIONS: the line of a call is not judged if Node's own functions are in between.
'use strict';

const fs = require('fs');
const path = require('path');

const dir = fs.realpathSync(process.argv[2]);
const files = new Map();

// Of one source: what begins, ends and is called, by line.
function readSource(file) {
	const source = { begins: new Map(), calls: new Map(), ends: new Map() };
	const open = [];

	fs.readFileSync(file, 'utf8').split('\n').forEach((text, i) => {
		if (text.startsWith('//'))
			return;
		for (const [, sign, names] of text.matchAll(/\/\/([=.>]) ([^/]*)/g)) {
			const list = names.split(',').map((s) => s.trim());
			if (sign === '=') {
				source.begins.set(i + 1, list);
				for (const name of list)
					open.push([name, i + 1]);
			} else if (sign === '>') {
				source.calls.set(i + 1, list);
			} else {
				for (const name of list) {
					const at = open.map(([n]) => n).lastIndexOf(name);
					source.ends.set(name + ':' + open[at][1], i + 1);
					open.splice(at, 1);
				}
			}
		}
	});
	return source;
}

function sourceOf(frame) {
	if (!frame.file || !frame.file.startsWith(dir + path.sep))
		return null;
	if (!files.has(frame.file))
		files.set(frame.file, readSource(frame.file));
	return files.get(frame.file);
}

const tiers = ['none', 'interpreted', 'baseline', 'maglev', 'turbofan'];
const sum = { stacks: 0, js: 0, eval: 0, own: 0, identity: 0, origin: 0, judged: 0, line: 0, no_line: 0,
	approximate: 0, inlined: 0,
	marked: 0, marked_right: 0, marked_approximate: 0, marked_native: 0, marked_native_right: 0,
	marked_native_approximate: 0, tiers: {} };
for (const t of tiers)
	sum.tiers[t] = { frames: 0, judged: 0, line: 0 };
const wrong = new Map();

function note(what) {
	wrong.set(what, (wrong.get(what) || 0) + 1);
}

function show(f) {
	return `${f.fn} ${path.basename(f.file || '?')}:${f.line || 0} (${f.fn_line || 0}) ${f.tier || f.kind}`;
}

// The user's function right above frame i: undefined if it is the leaf, null if others are between.
function callee(frames, i) {
	for (let k = i - 1; k >= 0; k--) {
		const f = frames[k];
		if (f.kind === 'js')
			return f.origin === 'runtime' ? null : f;
	}
	return undefined;
}

function lineIsRight(source, frames, i) {
	const f = frames[i];
	const above = callee(frames, i);

	if (above)
		return (source.calls.get(f.line) || []).includes(above.fn);
	return f.line >= f.fn_line && f.line <= source.ends.get(f.fn + ':' + f.fn_line);
}

// What main.js says that it is in, by its mark, against the first function of the user's.
const marked = [null, 'objects', 'arrays', 'closures', 'doubles'];

function judgeMark(stack) {
	const i = stack.frames.findIndex((f) => f.kind === 'js');
	const f = stack.frames[i];

	if (!marked[stack.mark] || !sourceOf(f))
		return;
	sum.marked++;
	sum.marked_native += i > 0;
	if (f.approximate) {
		sum.marked_approximate++;
		sum.marked_native_approximate += i > 0;
	} else if (f.fn === marked[stack.mark]) {
		sum.marked_right++;
		sum.marked_native_right += i > 0;
	} else {
		note(`mark: ${marked[stack.mark]} but ${show(f)} < ${i ? show(stack.frames[i - 1]) : 'leaf'}`);
	}
}

function judge(frames, i) {
	const f = frames[i];
	const source = sourceOf(f);
	const tier = sum.tiers[f.tier];

	sum.js++;
	if (f.file && f.file.startsWith('eval at ' + dir)) {
		sum.eval++;
		sum.identity += ['(anonymous)', 'evaluated'].includes(f.fn) && f.fn_line === 1;
		sum.own++;
		sum.origin++;
		return;
	}
	if (!source)
		return;
	const names = source.begins.get(f.fn_line) || [];
	const isTop = f.fn === '(anonymous)' && f.fn_line === 1;
	sum.own++;
	if (names.includes(f.fn) || isTop)
		sum.identity++;
	else
		note('name: ' + show(f));
	const origin = f.file.includes('/node_modules/') ? 'dependency' : 'user';
	if (f.origin === origin)
		sum.origin++;
	else
		note('origin: ' + show(f) + ' ' + f.origin);
	tier.frames++;
	sum.approximate += !!f.approximate;
	sum.inlined += !!f.inlined;
	if (isTop || callee(frames, i) === null)
		return;
	sum.judged++;
	tier.judged++;
	if (!f.line)
		sum.no_line++;
	if (f.line && lineIsRight(source, frames, i)) {
		sum.line++;
		tier.line++;
	} else {
		note('line: ' + show(f) + ' < ' + (i ? show(frames[i - 1]) : 'leaf'));
	}
}

for (const text of fs.readFileSync(0, 'utf8').split('\n')) {
	const stack = text ? JSON.parse(text) : {};
	if (stack.stats)
		sum.stats = stack.stats;
	if (!stack.frames)
		continue;
	sum.stacks++;
	judgeMark(stack);
	stack.frames.forEach((f, i) => {
		if (f.kind === 'js')
			judge(stack.frames, i);
	});
}
const pct = (n, of) => of ? Math.round(10000 * n / of) / 100 : 0;
sum.identity_pct = pct(sum.identity, sum.own);
sum.line_pct = pct(sum.line, sum.judged);
sum.wrong = [...wrong].sort((a, b) => b[1] - a[1]).slice(0, Number(process.env.WRONG || 12))
	.map(([what, n]) => `${n} ${what}`);
console.log(JSON.stringify(sum, null, process.stdout.isTTY ? 1 : 0));
