// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
'use strict';
//
// report.js DIR - the page and the flame graph of a recording, in a real browser.
//
// DIR/page.html is of e2e/html.sql, DIR/injected.html the same with scripts put into it as if escaping
// had failed, DIR/flame.svg its flame graph; DIR/truth.json what the recording holds, by sqlite3:
// {anon: [bytes of each tick of the first process], live: [bytes after each full collection]}.
// Output: checks.js. With SHOTS=DIR screenshots are kept there.

const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');
const { Browser } = require('./browser');
const { report, is, isQuiet } = require('./checks');

const dir = process.argv[2];
const truth = JSON.parse(fs.readFileSync(path.join(dir, 'truth.json')));
const url = (name) => pathToFileURL(path.resolve(dir, name)).href;
const shot = (name) => process.env.SHOTS && path.join(process.env.SHOTS, `${name}.png`);

const HIT = '#e45bff'; // of flame.js
const SITES = 'table[id^="sites-"]';
const FLAME = 'section.process:not([hidden]) svg.flame';

function near(got, wanted, tolerance, what) {
	const isNear = got.length === wanted.length &&
		got.every((value, i) => Math.abs(value - wanted[i]) <= tolerance);
	report(isNear, what, `got ${JSON.stringify(got.slice(0, 5))} (${got.length}), wanted ` +
		`${JSON.stringify(wanted.slice(0, 5))} (${wanted.length}), to ${tolerance}`);
}

// --- safety ---

async function checkHostileNames(page) {
	is(await page.evaluate('typeof owned'), 'undefined', 'no name of the target runs');
	is(await page.evaluate('document.querySelectorAll("img, iframe, object, base, link").length'), 0,
		'none becomes an element');
	is(await page.evaluate('document.querySelectorAll("main b, main i").length'),
		await page.evaluate('document.querySelectorAll("figcaption > b").length'), 'nor bold text');
	report(await page.evaluate('document.body.textContent.includes("</script><script>owned = 1</script>")'),
		'but it can be read', 'not in the text');
}

// What would happen if a name did become markup
async function checkPolicy(browser) {
	const page = await browser.open(url('injected.html'));
	is(await page.evaluate('typeof owned'), 'undefined', 'the policy lets no other script run');
	is(await page.evaluate('getComputedStyle(document.querySelector("h1")).color !== "rgb(1, 2, 3)"'), true,
		'nor another style apply');
	is(page.loaded, [url('injected.html')], 'nor anything be loaded');
	report(page.errors.length >= 3, 'and the browser says so', page.errors.join('; '));
}

// --- charts ---

// What the drawn curve says, by the labels of its axis: [bytes of each point]
function curveBytes(selector) {
	const unit = { '': 1, B: 1, K: 1024, M: 1048576, G: 1073741824 };
	const chart = document.querySelector(selector).closest('.chart');
	const rules = Array.from(chart.querySelectorAll('line.grid'), (line) => {
		const [, number, letter] = /^([\d.]+)([BKMG]?)$/.exec(line.nextElementSibling.textContent);
		return { y: Number(line.getAttribute('y1')), bytes: number * unit[letter] };
	});
	const [low, high] = [rules[0], rules[rules.length - 1]];
	const perPixel = (high.bytes - low.bytes) / (low.y - high.y);
	const points = document.querySelector(selector).getAttribute('d').match(/[ML][\d.]+ -?[\d.]+/g);
	return points.map((point) => Math.round((low.y - Number(point.split(' ')[1])) * perPixel));
}

async function checkCharts(page) {
	const data = await page.evaluate(`Array.from(document.querySelectorAll('#p1 .chart > script'),
		(s) => JSON.parse(s.textContent))`);
	is(data.length, 2, 'there are two charts');
	is(data[0].series.find((s) => s.name === 'anon').bytes, truth.anon, 'anon as it was recorded');
	is(data[1].series[0].bytes.filter((b) => b !== null), truth.live, 'the live heap, too');
	const curve = (selector) => page.evaluate(`(${curveBytes})(${JSON.stringify(selector)})`);
	near(await curve('#p1 .chart path.anon'), truth.anon, 1048576, 'the area is as high as it says');
	near(await curve('#p1 .chart path.line.live'), truth.live, 524288, 'the line, too');
	is(await page.evaluate('document.querySelector("#p1 .limit-name").textContent'), 'heap limit 48.0M',
		'the limit is drawn');
	is(await page.evaluate(`Array.from(document.querySelectorAll('#p2 .mark-name'), (t) => t.textContent)`),
		['OOM kill', 'exec'], 'marks of what happened');

	await page.point('#p1 .chart > svg', 0.5, 0.5);
	const tip = await page.evaluate('document.querySelector("#p1 .tip").textContent');
	report(/^22:15:(49|50) UTC/.test(tip) && /anon(57\.\d|105\.\d)M/.test(tip), 'pointing at it tells values', tip);
	await page.evaluate('document.querySelector("#p1 .chart").focus()');
	await page.key('ArrowRight');
	const next = await page.evaluate('document.querySelector("#p1 .tip").textContent');
	report(next !== tip && /^22:15:5/.test(next), 'arrow keys go on from there', next);
}

// --- tables ---

const columnOf = (table, column) => `Array.from(document.querySelectorAll('${table} tbody tr'),
	(row) => Number(row.cells[${column}].dataset.v ?? NaN) || row.cells[${column}].textContent)`;

async function checkTables(page) {
	const head = `${SITES} th:nth-child(1) button`;
	await page.click(head);
	const down = await page.evaluate(columnOf(SITES, 0));
	is(down, down.slice().sort((a, b) => b - a), 'a click on a title sorts, largest first');
	is(down.length, 62, 'all rows are there');
	await page.click(head);
	is(await page.evaluate(columnOf(SITES, 0)), down.slice().reverse(), 'a second one the other way');
	is(await page.evaluate(`document.querySelector('${SITES} th').getAttribute('aria-sort')`), 'ascending',
		'who cannot see it is told');
	await page.click(`${SITES} th:nth-child(5) button`);
	const kinds = await page.evaluate(columnOf(SITES, 4));
	is(kinds, kinds.slice().sort(), 'text sorts as text');
	await page.click(head);

	const shown = `Array.from(document.querySelectorAll('${SITES} tbody tr')).filter((r) => r.offsetHeight).length`;
	is(await page.evaluate(shown), 20, 'a long table begins with 20 rows');
	await page.click('section.process button.more');
	is(await page.evaluate(shown), 62, 'and shows the rest when asked');
	await page.click(`${SITES} tbody tr:first-child summary`);
	report(/saveContext.*handleStatus.*emit/s.test(await page.evaluate(
		`document.querySelector('${SITES} tbody tr:first-child details[open] ol').textContent`)),
		'a site opens to its stack', 'it does not');
}

// --- flame graph ---

async function checkFlame(page, flame, name) {
	const field = `${flame} input`;
	const hits = `document.querySelectorAll('${flame} svg.f > rect[fill="${HIT}"]').length`;
	await page.click(field);
	await page.type('saveContext');
	await page.until(`document.querySelector('${flame} .matched').textContent !== ''`);
	report(/60\.0M \(75\.0 %\)/.test(await page.evaluate(
		`document.querySelector('${flame} .matched').textContent`)), `${name}: a search tells the share`,
	await page.evaluate(`document.querySelector('${flame} .matched').textContent`));
	is(await page.evaluate(hits), 1, `${name}: and marks frames`);
	await page.key('Escape');
	is(await page.evaluate(hits), 0, `${name}: Escape clears it`);

	const frame = (fn) => `Array.from(document.querySelectorAll('${flame} svg.f')).find((f) =>
		f.querySelector('title').textContent.startsWith('${fn}'))`;
	const width = (fn) => page.evaluate(`${frame(fn)}.getAttribute('width')`);
	const before = await width('saveContext');
	await page.evaluate(`${frame('saveContext')}.setAttribute('id', 'under-test')`);
	await page.click('#under-test');
	is(await width('saveContext'), '100%', `${name}: a click zooms`);
	const reset = `document.querySelector('${flame} .reset')`;
	is(await page.evaluate(`${reset}.getAttribute('visibility')`), 'visible', `${name}: there is a way back`);
	await page.click(`${flame} .reset`);
	near([parseFloat(await width('saveContext'))], [parseFloat(before)], 0.01, `${name}: which leads there`);
}

// --- looks ---

// WCAG 2: contrast of text with what is behind it
function contrasts() {
	const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
	const light = (colour) => parts(colour).slice(0, 3).map((c) => c / 255)
		.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
		.reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const colour = getComputedStyle(e).backgroundColor;
			if (parts(colour)[3] !== 0)
				return colour;
		}
		return 'rgb(255, 255, 255)';
	};
	const low = [];
	document.querySelectorAll('h1, h2, h3, p, li, td, th button, a, dt, dd, figcaption span, .more').forEach((e) => {
		if (!e.offsetHeight)
			return;
		const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
		if ((a + 0.05) / (b + 0.05) < 4.5)
			low.push(`${e.tagName}.${e.className} ${((a + 0.05) / (b + 0.05)).toFixed(2)}`);
	});
	return low;
}

// Each entry of a graph's legend within the graph, and none over the next
async function checkLegend(page) {
	const boxes = await page.evaluate(`Array.from(document.querySelectorAll('${FLAME} .legend'), (e) => {
		const box = e.querySelector('text').getBoundingClientRect();
		return [Math.round(box.top), Math.round(box.left), Math.round(box.right)];
	})`);
	const right = await page.evaluate(`document.querySelector('${FLAME}').getBoundingClientRect().right`);
	report(boxes.length === 7 && boxes.every((b, i) => b[2] <= right &&
		(!i || b[0] > boxes[i - 1][0] || b[1] > boxes[i - 1][2])), 'nor is the legend cut',
	`${JSON.stringify(boxes)} in ${right}`);
}

async function checkLooks(page) {
	const light = await page.screenshot(shot('light'));
	is(await page.evaluate(`(${contrasts})()`), [], 'light: text can be told from what is behind it');
	await page.setMedia('dark');
	report(!light.equals(await page.screenshot(shot('dark'))), 'there is a dark page', 'it looks the same');
	is(await page.evaluate(`(${contrasts})()`), [], 'dark: the same');
	await page.setSize(600, 900);
	await page.screenshot(shot('narrow'));
	is(await page.evaluate('document.documentElement.scrollWidth'), 600, 'a narrow window needs no scrolling');
	await checkLegend(page);
	await page.setMedia('light', 'print');
	is(await page.evaluate(`Array.from(document.querySelectorAll('section.process'),
		(s) => s.offsetHeight > 0)`), [true, true], 'on paper all processes are there');
	await page.setSize(1400, 900);
	await page.setMedia('light');
}

async function checkOutline(page) {
	const levels = await page.evaluate(`Array.from(document.querySelectorAll('h1, h2, h3'), (h) => Number(h.tagName[1]))`);
	report(levels[0] === 1 && levels.every((level, i) => !i || level <= levels[i - 1] + 1),
		'no level of headings is left out', levels);
	is(await page.evaluate('document.querySelectorAll("th:not([scope])").length'), 0, 'titles of columns are such');
	is(await page.evaluate('document.querySelector("main").children[1].querySelector(".sentence").textContent'),
		'node (4711): leak, 92 % sure: +256.0K/s (+244.1K/s to +268.6K/s); v8-heap (48.0M) in 52s',
		'the verdict is what comes first');
}

async function checkPicker(page) {
	const shown = `Array.from(document.querySelectorAll('section.process')).filter((s) => !s.hidden).map((s) => s.id)`;
	is(await page.evaluate(shown), ['p1'], 'one process is shown');
	await page.click('#processes tbody tr:nth-child(2) a');
	await page.until(`(${shown})[0] !== 'p1'`);
	is(await page.evaluate(shown), ['p2'], 'a link to another shows that');
	is(await page.evaluate('document.querySelector(".picker select").value'), 'p2', 'the picker follows');
	await page.evaluate(`(() => { const s = document.querySelector('.picker select'); s.value = 'p1';
		s.dispatchEvent(new Event('change')); })()`);
	is(await page.evaluate(shown), ['p1'], 'and leads back');
}

async function checkWithoutScript(browser) {
	const page = await browser.open('about:blank');
	await page.send('Emulation.setScriptExecutionDisabled', { value: true });
	await page.send('Page.navigate', { url: url('page.html') });
	await page.until(`document.readyState === 'complete' && document.querySelectorAll('section.process').length === 2`);
	is(await page.evaluate(`Array.from(document.querySelectorAll('section.process, tbody tr, .chart path.anon'))
		.every((e) => e.getClientRects().length)`), true, 'without scripts all of it is there');
}

async function main() {
	const browser = await Browser.launch();
	const page = await browser.open(url('page.html'));

	await checkHostileNames(page);
	await checkOutline(page);
	await checkPicker(page);
	await checkCharts(page);
	await checkTables(page);
	await checkFlame(page, FLAME, 'in the page');
	await checkLooks(page);
	isQuiet(page, url('page.html'), 'page.html');
	await checkPolicy(browser);
	await checkWithoutScript(browser);

	const svg = await browser.open(url('flame.svg'));
	await svg.screenshot(shot('flame'));
	await checkFlame(svg, 'svg.flame', 'alone');
	is(await svg.evaluate('typeof owned'), 'undefined', 'alone: no name of the target runs');
	isQuiet(svg, url('flame.svg'), 'flame.svg');
	await browser.close();
}

main().catch((error) => {
	report(false, 'the browser does as it is told', error.stack);
	process.exit(1);
});
