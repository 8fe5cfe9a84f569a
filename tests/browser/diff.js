// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
'use strict';
//
// diff.js FILE - the page of a comparison, in a real browser: e2e/html.sql beside itself with an
// eighth of the growth. Output: checks.js. With SHOTS=DIR a screenshot is kept there.

const path = require('path');
const { pathToFileURL } = require('url');
const { Browser } = require('./browser');
const { report, is, isQuiet } = require('./checks');

const url = pathToFileURL(path.resolve(process.argv[2])).href;
const HIT = '#e45bff'; // of flame.js
const FLAME = 'svg.flame';

const column = (table, at) => `Array.from(document.querySelectorAll('${table} tbody tr'),
	(row) => row.cells[${at}].dataset.v === undefined ? row.cells[${at}].textContent : Number(row.cells[${at}].dataset.v))`;
const titled = (title) => `Array.from(document.querySelectorAll('#kinds-0 th'), (h) => h.textContent).indexOf('${title}')`;

async function checkTables(page) {
	const at = await page.evaluate(titled('B grows'));
	const head = `#kinds-0 th:nth-child(${at + 1}) button`;
	const rates = `${column('#kinds-0', at)}.filter((v) => typeof v === 'number')`;

	await page.click(head);
	const down = await page.evaluate(rates);
	report(down.length >= 4 && down[0] > down[down.length - 1], 'there is something to sort', down);
	is(down, down.slice().sort((a, b) => b - a), 'a click on a title sorts, largest first');
	await page.click(head);
	is(await page.evaluate(rates), down.slice().sort((a, b) => a - b), 'a second one the other way');
	await page.click('#kinds-0 th:nth-child(1) button');
	const names = await page.evaluate(column('#kinds-0', 0));
	is(names, names.slice().sort((a, b) => a.localeCompare(b, 'en', { numeric: true })), 'text sorts as text');
}

async function checkFlame(page) {
	const matched = `document.querySelector('${FLAME} .matched').textContent`;
	const hits = `document.querySelectorAll('${FLAME} svg.f > rect[fill="${HIT}"]').length`;
	const frame = `Array.from(document.querySelectorAll('${FLAME} svg.f')).find((f) =>
		f.querySelector('title').textContent.startsWith('saveContext'))`;

	report(/in the first run 7\.5M: \+52\.5M/.test(await page.evaluate(`${frame}.querySelector('title').textContent`)),
		'a frame tells both runs', await page.evaluate(`${frame}.querySelector('title').textContent`));
	await page.click(`${FLAME} input`);
	await page.type('saveContext');
	await page.until(`${matched} !== ''`);
	report(/60\.0M \(75\.0 %\)/.test(await page.evaluate(matched)), 'a search tells the share',
		await page.evaluate(matched));
	is(await page.evaluate(hits), 1, 'and marks the frame');
	await page.key('Escape');
	is(await page.evaluate(hits), 0, 'Escape clears it');
	await page.evaluate(`${frame}.setAttribute('id', 'under-test')`);
	await page.click('#under-test');
	is(await page.evaluate(`${frame}.getAttribute('width')`), '100%', 'a click zooms');
}

async function main() {
	const browser = await Browser.launch();
	const page = await browser.open(url);

	await page.screenshot(process.env.SHOTS && path.join(process.env.SHOTS, 'diff.png'));
	await checkTables(page);
	await checkFlame(page);
	is(await page.evaluate('typeof owned'), 'undefined', 'no name of the target runs');
	isQuiet(page, url, 'diff.html');
	await browser.close();
}

main().catch((error) => {
	report(false, 'the browser does as it is told', error.stack);
	process.exit(1);
});
