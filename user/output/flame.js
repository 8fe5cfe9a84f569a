/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flame graphs that can be used: zoom, search, keys, details. Serves every <svg class="flame"> of a
 * document, which may be a page or the graph itself, and leaves no name behind.
 *
 * Patterns are matched by a machine of our own that follows all ways at once: no pattern can make
 * it take longer than its length times the text's, as those of RegExp can. It knows . [] () | * + ?
 * ^ $ and \d \w \s.
 */
(function () {
'use strict';

const XHTML = 'http://www.w3.org/1999/xhtml'; // a name; nothing is fetched
const PATTERN_MAX = 200;
const DEPTH_MAX = 20; // of groups
const SEARCH_MS = 1500;
const HIT = '#e45bff';

/* ---- patterns ---- */

const CLASSES = {d: /[0-9]/, w: /[0-9a-z_$]/, s: /\s/};

/* What one character must be, from @at on: [test, where it ends]. */
function parseOne(text, at) {
	if (text[at] === '.')
		return [() => true, at + 1];
	if (text[at] === '[')
		return parseSet(text, at + 1);
	if (text[at] === '\\' && at + 1 < text.length) {
		const c = text[at + 1];
		return [CLASSES[c] ? x => CLASSES[c].test(x) : x => x === c, at + 2];
	}
	const c = text[at];
	return [x => x === c, at + 1];
}

function parseSet(text, at) {
	const negated = text[at] === '^', ranges = [];
	if (negated)
		at++;
	for (let first = true; first || text[at] !== ']'; first = false) {
		if (at >= text.length)
			throw new Error('[ without ]');
		if (text[at] === '\\' && at + 1 < text.length)
			at++;
		const from = text[at++];
		let to = from;
		if (text[at] === '-' && at + 1 < text.length && text[at + 1] !== ']') {
			to = text[at + 1];
			at += 2;
		}
		ranges.push([from, to]);
	}
	return [x => ranges.some(r => x >= r[0] && x <= r[1]) !== negated, at + 1];
}

/* A tree: {test} | {edge: '^' or '$'} | {all: [...]} | {any: [...]} | {body, how: '*+?'}. */
function parse(text) {
	let at = 0;

	function any(depth) {
		const ways = [all(depth)];
		while (text[at] === '|') {
			at++;
			ways.push(all(depth));
		}
		return {any: ways};
	}

	function all(depth) {
		const parts = [];
		while (at < text.length && text[at] !== '|' && text[at] !== ')') {
			let part = single(depth);
			while (at < text.length && '*+?'.includes(text[at]))
				part = {body: part, how: text[at++]};
			parts.push(part);
		}
		return {all: parts};
	}

	function group(depth) {
		at += text.startsWith('(?:', at) ? 3 : 1;
		const inner = any(depth);
		if (text[at++] !== ')')
			throw new Error('( without )');
		return inner;
	}

	function single(depth) {
		const c = text[at];
		if (depth > DEPTH_MAX)
			throw new Error('too deep');
		if (c === '(')
			return group(depth + 1);
		if ('*+?'.includes(c))
			throw new Error('nothing before ' + c);
		if (c === '^' || c === '$')
			return {edge: text[at++]};
		const [test, end] = parseOne(text, at);
		at = end;
		return {test};
	}

	const tree = any(0);
	if (at < text.length)
		throw new Error(') without (');
	return tree;
}

/* A program: {test} and {edge} go on behind them, {ways: [...]} at each of these; {done}. */
function compile(text) {
	const program = [];

	function emitAny(ways) {
		const split = {ways: []}, jumps = [];
		program.push(split);
		for (const way of ways) {
			split.ways.push(program.length);
			emit(way);
			jumps.push({ways: []});
			program.push(jumps[jumps.length - 1]);
		}
		for (const jump of jumps)
			jump.ways.push(program.length);
	}

	function emitRepeated(node) {
		const split = {ways: []}, begin = program.length;
		if (node.how !== '+')
			program.push(split);
		split.ways.push(node.how === '+' ? begin : program.length);
		emit(node.body);
		if (node.how === '*')
			program.push({ways: [begin]});
		if (node.how === '+')
			program.push(split);
		split.ways.push(program.length);
	}

	function emit(node) {
		if (node.any)
			emitAny(node.any);
		else if (node.all)
			node.all.forEach(emit);
		else if (node.body)
			emitRepeated(node);
		else
			program.push(node);
	}

	emit(parse(text));
	program.push({done: true});
	return program;
}

function matches(program, text) {
	let now = [];
	const seen = new Int32Array(program.length).fill(-1);

	function add(list, first, at) {
		const open = [first];
		while (open.length) {
			const pc = open.pop(), op = program[pc];
			if (seen[pc] === at)
				continue;
			seen[pc] = at;
			if (op.done)
				return true;
			if (op.ways)
				open.push(...op.ways);
			else if (op.edge) {
				if (at === (op.edge === '^' ? 0 : text.length))
					open.push(pc + 1);
			} else
				list.push(pc);
		}
		return false;
	}

	for (let at = 0; at <= text.length; at++) {
		const next = [];
		if (add(now, 0, at))
			return true;
		for (const pc of now)
			if (at < text.length && program[pc].test(text[at]) && add(next, pc + 1, at + 1))
				return true;
		now = next;
	}
	return false;
}

/* "name": a part of it; "/pattern/". Case does not count. */
function matcher(term) {
	const text = term.toLowerCase();
	if (text.length > PATTERN_MAX)
		throw new Error('longer than ' + PATTERN_MAX + ' characters');
	if (text.length < 3 || text[0] !== '/' || text[text.length - 1] !== '/')
		return name => name.includes(text);
	const program = compile(text.slice(1, -1));
	return name => matches(program, name);
}

/* ---- one graph ---- */

function bytesText(n) {
	let unit = 0;
	for (; n >= 1023.95 && unit < 5; unit++)
		n /= 1024;
	return unit ? n.toFixed(1) + 'BKMGTP'[unit] : n.toFixed(0) + 'B';
}

/* East Asian characters are as wide as two; so are those that are pairs. */
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/;

/* As many characters as there is space for; no half of a pair. */
function cut(text, room) {
	let used = 0, fits = 0; // before the mark that more is left out
	for (let i = 0; i < text.length; i++) {
		used += WIDE.test(text[i]) ? 2 : 1;
		if (used > room)
			return room < 3 ? '' : text.slice(0, fits).replace(/[\ud800-\udbff]$/, '') + '…';
		if (used < room)
			fits = i + 1;
	}
	return text;
}

function readFrame(el) {
	const text = el.querySelector('text'), rect = el.querySelector('rect');
	const lines = el.querySelector('title').textContent.split('\n');
	return {
		el, text, rect,
		fill: rect.getAttribute('fill'),
		depth: +el.getAttribute('data-d'),
		x: parseFloat(el.getAttribute('x')),
		w: parseFloat(el.getAttribute('width')),
		name: text ? text.textContent : lines[0],
		long: lines[0],
		numbers: lines[1] || '',
		nowW: parseFloat(el.getAttribute('width')),
		isShown: true,
	};
}

/* Parents come first: the tree follows from the depths. */
function link(frames) {
	const open = [];
	frames.forEach((f, i) => {
		while (open.length && frames[open[open.length - 1]].depth >= f.depth)
			frames[open.pop()].end = i;
		f.parent = open.length ? open[open.length - 1] : -1;
		open.push(i);
	});
	while (open.length)
		frames[open.pop()].end = frames.length;
}

function setup(svg) {
	const NS = svg.namespaceURI;
	const frames = Array.from(svg.querySelectorAll('svg.f'), readFrame);
	const byElement = new Map(frames.map((f, i) => [f.el, i]));
	const total = +svg.getAttribute('data-bytes');
	const details = svg.querySelector('text.details');
	let current = -1, zoomed = 0, isOver = false, character = 7.3;

	if (svg.hasAttribute('data-ready'))
		return;
	svg.setAttribute('data-ready', '');
	if (svg === document.documentElement) { // as wide as the window
		svg.removeAttribute('viewBox');
		svg.setAttribute('width', '100%');
	}
	if (!frames.length)
		return;
	link(frames);

	function make(parent, name, attributes, text) {
		const el = document.createElementNS(NS, name);
		for (const key of Object.keys(attributes))
			el.setAttribute(key, attributes[key]);
		if (text)
			el.textContent = text;
		return parent.appendChild(el);
	}

	/* -- text that fits -- */

	function charWidth() {
		const probe = make(svg, 'text', {visibility: 'hidden'}, 'mmmmmmmmmm');
		const width = probe.getComputedTextLength() / 10;
		probe.remove();
		return width || character;
	}

	function fit() {
		const width = svg.getBoundingClientRect().width;
		if (!width)
			return;
		character = charWidth();
		for (const f of frames) {
			if (!f.isShown)
				continue;
			const text = cut(f.name, Math.floor((f.nowW / 100 * width - 6) / character));
			if (!f.text && text)
				f.text = make(f.el, 'text', {x: 3, y: 12});
			if (f.text && f.text.textContent !== text)
				f.text.textContent = text;
		}
		show(current);
	}

	/* -- what is pointed at -- */

	function show(i) {
		const f = frames[i < 0 ? zoomed : i];
		const room = Math.floor((svg.getBoundingClientRect().width - 16) / character);
		const after = ' — ' + f.numbers;
		details.textContent = cut(f.long, Math.max(room - after.length, 20)) + after;
	}

	function select(i) {
		if (current >= 0)
			frames[current].rect.removeAttribute('stroke');
		current = i;
		if (i >= 0) {
			frames[i].rect.setAttribute('stroke', '#000');
			frames[i].rect.setAttribute('stroke-width', '2');
		}
		show(i);
	}

	/* -- zoom -- */

	function place(f, x, w, isShown, isBelow) {
		f.isShown = isShown;
		f.nowW = w;
		if (!isShown) {
			f.el.setAttribute('display', 'none');
			return;
		}
		f.el.removeAttribute('display');
		f.el.setAttribute('x', x + '%');
		f.el.setAttribute('width', w + '%');
		if (isBelow)
			f.el.setAttribute('opacity', '0.55');
		else
			f.el.removeAttribute('opacity');
	}

	function zoom(i) {
		const to = frames[i], scale = 100 / to.w;
		zoomed = i;
		frames.forEach((f, k) => {
			const isBelow = k < i && f.end > i;
			if (isBelow)
				place(f, 0, 100, true, true);
			else
				place(f, (f.x - to.x) * scale, f.w * scale, k >= i && k < to.end, false);
		});
		reset.setAttribute('visibility', i ? 'visible' : 'hidden');
		svg.setAttribute('data-zoom', to.long);
		select(i ? i : -1);
		fit();
	}

	/* -- search -- */

	function mark(test) {
		const until = Date.now() + SEARCH_MS, known = new Map();
		let isWhole = true, count = 0, share = 0, end = 0;
		frames.forEach((f, i) => {
			let hit = known.get(f.long);
			if (hit === undefined && test && (isWhole = isWhole && Date.now() < until)) {
				hit = test(f.long.toLowerCase()) || test(f.name.toLowerCase());
				known.set(f.long, hit);
			}
			f.rect.setAttribute('fill', hit ? HIT : f.fill);
			if (!hit)
				return;
			count++;
			if (i < end) // above one that was counted
				return;
			share += f.w;
			end = f.end;
		});
		return {count, share, isWhole};
	}

	function search(term) {
		let test = null, said = '';
		try {
			test = term ? matcher(term) : null;
		} catch (e) {
			said = 'no pattern: ' + e.message;
		}
		const found = mark(test);
		if (test)
			said = 'matched ' + bytesText(total * found.share / 100) + ' (' +
				found.share.toFixed(1) + ' %), frames: ' + found.count +
				(found.isWhole ? '' : '; stopped: that pattern takes too long');
		matched.textContent = said;
	}

	/* -- controls -- */

	const matched = make(svg, 'text', {'class': 'matched', x: '99.5%', y: 36,
		'text-anchor': 'end', fill: '#7a0090', 'aria-live': 'polite'});
	const reset = make(svg, 'text', {'class': 'reset', x: '62%', y: 20, 'text-anchor': 'end',
		fill: '#0645ad', cursor: 'pointer', role: 'button', tabindex: 0,
		visibility: 'hidden'}, 'reset zoom');
	const field = document.createElementNS(XHTML, 'input');

	field.setAttribute('type', 'search');
	field.setAttribute('placeholder', 'search: name or /pattern/ (Ctrl-F)');
	field.setAttribute('aria-label', 'search frames by name or /pattern/');
	field.setAttribute('maxlength', PATTERN_MAX);
	Object.assign(field.style, {width: '100%', boxSizing: 'border-box', font: 'inherit',
		padding: '1px 4px', background: '#fff', color: '#000', border: '1px solid #888'});
	make(svg, 'foreignObject', {x: '63%', y: 3, width: '36.5%', height: 26}).appendChild(field);

	/* -- keys -- */

	function beside(i, by) {
		const parent = frames[i].parent;
		const all = frames.map((f, k) => k).filter(k => frames[k].parent === parent &&
			frames[k].isShown);
		return all[all.indexOf(i) + by];
	}

	const keys = {
		ArrowUp: i => frames[i].end > i + 1 ? i + 1 : undefined,
		ArrowDown: i => frames[i].parent,
		ArrowLeft: i => beside(i, -1),
		ArrowRight: i => beside(i, 1),
		Home: () => 0,
	};

	function escape() {
		if (field.value) {
			field.value = '';
			search('');
		} else {
			zoom(0);
		}
		svg.focus();
	}

	function onKey(e) {
		if (e.key === 'Escape')
			escape();
		else if (e.target === field || e.ctrlKey || e.metaKey || e.altKey)
			return;
		else if (e.key === '/')
			field.focus();
		else if (e.key === 'Enter' || e.key === ' ')
			zoom(e.target === reset || current < 0 ? 0 : current);
		else if (keys[e.key]) {
			const to = current < 0 ? zoomed : keys[e.key](current);
			if (to >= 0)
				select(to);
		} else
			return;
		e.preventDefault();
	}

	function onFind(e) {
		const isMine = document.documentElement === svg || isOver ||
			svg.contains(document.activeElement);
		if (!(e.ctrlKey || e.metaKey) || e.key !== 'f' || !isMine || e.defaultPrevented)
			return;
		e.preventDefault();
		field.focus();
		field.select();
	}

	function frameAt(e) {
		const el = e.target.closest && e.target.closest('svg.f');
		return el && byElement.has(el) ? byElement.get(el) : -1;
	}

	svg.setAttribute('tabindex', '0');
	for (const f of frames)
		f.el.setAttribute('cursor', 'pointer');
	svg.addEventListener('mouseover', e => {
		isOver = true;
		select(frameAt(e));
	});
	svg.addEventListener('mouseleave', () => {
		isOver = false;
		select(-1);
	});
	svg.addEventListener('click', e => {
		const i = frameAt(e);
		if (i >= 0)
			zoom(i);
	});
	reset.addEventListener('click', () => zoom(0));
	field.addEventListener('input', () => search(field.value));
	svg.addEventListener('keydown', onKey);
	document.addEventListener('keydown', onFind);
	if (window.ResizeObserver)
		new ResizeObserver(fit).observe(svg);
	window.addEventListener('resize', fit);
	fit();
}

function setupAll() {
	document.querySelectorAll('svg.flame').forEach(setup);
}

if (document.readyState === 'loading')
	document.addEventListener('DOMContentLoaded', setupAll);
else
	setupAll();
})();
