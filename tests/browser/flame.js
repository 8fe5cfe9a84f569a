// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
'use strict';
//
// flame.js FILE NAME - what report.js does not ask of a flame graph: keys, patterns, text that is fitted,
// the graph as an image, and two graphs in one page.
//
// FILE is a flame graph as SVG in which a function NAME is drawn. Output: checks.js.

const fs = require('fs');
const { pathToFileURL } = require('url');
const { Browser } = require('./browser');
const { report, is } = require('./checks');

const [file, name] = process.argv.slice(2);
const HIT = '#e45bff'; // of flame.js

const details = 'document.querySelector(".details").textContent';
const zoomed = 'document.querySelector("svg.flame").getAttribute("data-zoom")';
const hits = `document.querySelectorAll('svg.f > rect[fill="${HIT}"]').length`;
const matched = 'document.querySelector(".matched").textContent';

async function search(page, term) {
	await page.evaluate(`(() => { const field = document.querySelector('input');
		field.value = ${JSON.stringify(term)}; field.dispatchEvent(new Event('input')); })()`);
}

async function checkKeys(page) {
	const key = (key, ctrlKey = false) => page.evaluate(`(document.activeElement || document.documentElement)
		.dispatchEvent(new KeyboardEvent('keydown', { key: '${key}', ctrlKey: ${ctrlKey}, bubbles: true,
			cancelable: true }))`);
	await page.evaluate('document.documentElement.focus()');
	await key('Home');
	is(await page.evaluate(`${details}.startsWith('all ')`), true, 'keys begin at the root');
	await key('ArrowUp');
	const above = await page.evaluate(details);
	report(!above.startsWith('all '), 'up goes away from it', above);
	await key('Enter');
	is(await page.evaluate(`${details}.startsWith(${zoomed})`), true, 'Enter zooms into it');
	await key('ArrowDown');
	is(await page.evaluate(`${details}.startsWith('all ')`), true, 'down goes back');
	await key('Escape');
	is(await page.evaluate(zoomed), 'all', 'Escape zooms out');
	await key('f', true);
	is(await page.evaluate('document.activeElement.localName'), 'input', 'Ctrl-F searches');
	await page.type(name);
	await page.until(`${matched} !== ''`);
	report(await page.evaluate(hits) > 0, `${name} is found`, await page.evaluate(matched));
	await key('Escape');
	is([await page.evaluate(hits), await page.evaluate(matched)], [0, ''], 'Escape ends the search');
}

async function checkPatterns(page) {
	await search(page, name.toUpperCase());
	const wanted = await page.evaluate(hits);
	report(wanted > 0, 'case does not count', wanted);
	await search(page, `/^${name} /`);
	is(await page.evaluate(hits), wanted, 'a pattern finds it, too');
	await search(page, `/${name.slice(0, 3)}(x|${name.slice(3)})+/`);
	is(await page.evaluate(hits), wanted, 'and one with groups');
	await search(page, '/(/');
	is(await page.evaluate(matched), 'no pattern: ( without )', 'what is none is said');
	for (const hostile of ['/(a*)*(a*)*(a*)*(a*)*☃$/', '/((((.*)*)*)*)*☃/', '/(.|.|.|.|.)*(.|.)*☃/',
		`/${'.*'.repeat(95)}☃/`]) {
		const begin = Date.now();
		await search(page, hostile);
		report(Date.now() - begin < 20000 && await page.evaluate(hits) === 0,
			`${hostile.slice(0, 24)} comes to an end`, `${Date.now() - begin} ms`);
	}
	await search(page, '');
}

// what is drawn of the name, and how wide that is
const texts = `Array.from(document.querySelectorAll('svg.f')).filter((f) => f.querySelector('text') &&
	f.getBoundingClientRect().width > 0 && f.querySelector('text').textContent).map((f) =>
	[f.querySelector('text').getBoundingClientRect().width, f.getBoundingClientRect().width])`;

async function checkFit(page) {
	for (const width of [1400, 500, 3000]) {
		await page.setSize(width, 800);
		await page.until(`Math.abs(document.querySelector('svg.f').getBoundingClientRect().width - ${width}) < 20`);
		await page.until(`${texts}.every(([text, frame]) => text <= frame)`);
		report(true, `at ${width} pixels all text fits`);
	}
	await page.setSize(1400, 800);
}

// Characters that are wider than others, and those that are read from the right.
async function checkScripts(browser) {
	const svg = fs.readFileSync(file, 'utf8');
	for (const other of ['处理请求并保存上下文到映射表', 'حفظ_السياق', '😀'.repeat(30)]) {
		const copy = `${file}.other.svg`;
		fs.writeFileSync(copy, svg.replaceAll(name, other));
		const page = await browser.open(pathToFileURL(copy).href, { width: 500 });
		await page.until(`document.querySelector('svg.flame[data-ready]') !== null`);
		is(await page.evaluate(`${texts}.filter(([text, frame]) => text > frame)`), [], `${other.slice(0, 8)} fits`);
	}
}

// Where no script runs it has a size, and a page can scale it.
async function checkImage(browser) {
	const html = `${file}.img.html`;
	fs.writeFileSync(html, `<!doctype html><meta charset="utf-8"><title>image</title>
		<img src="${pathToFileURL(file).href}">`);
	const page = await browser.open(pathToFileURL(html).href);
	await page.until('document.querySelector("img").complete');
	const [width, height] = await page.evaluate(`(i => [i.naturalWidth, i.naturalHeight])(document.querySelector('img'))`);
	is(width, 1200, 'as an image it is as wide as a page');
	report(height > 100 && height < 5000, 'and as high as its frames', height);
}

// In a page each is served, and one does not touch the other.
async function checkTwo(browser) {
	const svg = fs.readFileSync(file, 'utf8').replace(/^<\?xml.*\n/, '');
	const script = /<!\[CDATA\[([^]*)\]\]>/.exec(svg)[1];
	const graph = svg.replace(/<script>[^]*<\/script>/, '').replace(/ xmlns="[^"]*"/, '');
	const html = `${file}.html`;
	fs.writeFileSync(html, `<!doctype html><meta charset="utf-8"><title>two</title><div id="a">${graph}</div>` +
		`<div id="b">${graph.replace('id="growth"', 'id="other"')}</div><script>${script}</script>`);
	const page = await browser.open(pathToFileURL(html).href);
	const names = await page.evaluate('Object.keys(window).length');
	is(await page.evaluate('document.querySelectorAll("svg.flame[data-ready]").length'), 2, 'two in a page are served');
	await page.evaluate(`(() => { const field = document.querySelectorAll('input')[1];
		field.value = ${JSON.stringify(name)}; field.dispatchEvent(new Event('input')); })()`);
	is(await page.evaluate(`document.querySelectorAll('#a rect[fill="${HIT}"]').length`), 0, 'a search in one is its own');
	report(await page.evaluate(`document.querySelectorAll('#b rect[fill="${HIT}"]').length`) > 0, 'and finds there',
		'nothing');
	await page.evaluate(`Array.from(document.querySelectorAll('#b svg.f'))[1]
		.dispatchEvent(new MouseEvent('click', { bubbles: true }))`);
	is(await page.evaluate('[document.querySelector("#a svg.flame").getAttribute("data-zoom"), ' +
		'document.querySelector("#b svg.flame").getAttribute("data-zoom") !== null]'), [null, true], 'so is zooming');
	is(await page.evaluate(`document.body.appendChild(document.createElement('script')).textContent =
		${JSON.stringify(script)}, Object.keys(window).length`), names, 'the script leaves no names');
	is(page.errors, [], 'and no errors');
}

async function main() {
	const browser = await Browser.launch();
	const page = await browser.open(pathToFileURL(file).href);
	await checkKeys(page);
	await checkPatterns(page);
	await checkFit(page);
	is(page.errors, [], 'no errors');
	await checkScripts(browser);
	await checkImage(browser);
	await checkTwo(browser);
	await browser.close();
}

main().catch((error) => {
	report(false, 'the browser does what it is told', error.stack);
	process.exit(1);
});
