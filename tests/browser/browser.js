// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
'use strict';
//
// A headless Chromium, driven by its DevTools protocol over a pipe (fd 3 and 4: JSON messages that
// end with a NUL). No package is needed, and no port is open. The browser and its profile are gone
// when this process is, whichever way it ends but SIGKILL; the protocol's pipe being closed ends
// the browser then, too.
//
//	const browser = await Browser.launch();
//	const page = await browser.open('file:///tmp/a.html', { width: 1400, height: 900 });
//	await page.evaluate('document.title');
//	page.errors, page.requests
//	await browser.close();
//
// Every answer is waited for DEADLINE_MS (MEMWATCH_PATIENCE times that) at most.

const { spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

const DEADLINE_MS = 60000 * Number(process.env.MEMWATCH_PATIENCE || 1);
const POLL_MS = 20;
const LOG_BYTES = 4000; // of what the browser says, for when it fails

const FLAGS = [
	'--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
	'--no-default-browser-check', '--disable-extensions', '--disable-background-networking',
	'--disable-component-update', '--disable-sync', '--hide-scrollbars', '--mute-audio',
	'--remote-debugging-pipe',
];

function within(promise, what) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`waited ${DEADLINE_MS / 1000} s in vain for ${what}`)),
			DEADLINE_MS);
	});
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

class Page {
	constructor(browser, sessionId) {
		this.browser = browser;
		this.sessionId = sessionId;
		this.errors = []; // of scripts, the console, the policy
		this.requests = []; // addresses
		this.loaded = []; // of these, what was not refused
		this.dialogs = 0;
	}

	send(method, params) {
		return this.browser.send(method, params, this.sessionId);
	}

	take(method, params) {
		if (method === 'Runtime.exceptionThrown')
			this.errors.push(params.exceptionDetails.exception?.description || params.exceptionDetails.text);
		else if (method === 'Runtime.consoleAPICalled' && params.type === 'error')
			this.errors.push(params.args.map((a) => a.value || a.description).join(' '));
		else if (method === 'Log.entryAdded' && params.entry.level === 'error')
			this.errors.push(params.entry.text);
		else if (method === 'Network.requestWillBeSent')
			this.requests.push(params.request.url);
		else if (method === 'Network.responseReceived')
			this.loaded.push(params.response.url);
		else if (method === 'Page.javascriptDialogOpening') {
			this.dialogs++;
			this.send('Page.handleJavaScriptDialog', { accept: false }).catch(() => {});
		}
	}

	async evaluate(expression) {
		const answer = await this.send('Runtime.evaluate',
			{ expression, returnByValue: true, awaitPromise: true });
		if (answer.exceptionDetails)
			throw new Error(`${expression}: ${answer.exceptionDetails.exception?.description}`);
		return answer.result.value;
	}

	// until EXPRESSION is true
	async until(expression) {
		const deadline = Date.now() + DEADLINE_MS;
		while (!await this.evaluate(expression)) {
			if (Date.now() > deadline)
				throw new Error(`waited in vain for ${expression}`);
			await new Promise((resolve) => setTimeout(resolve, POLL_MS));
		}
	}

	async mouse(type, x, y) {
		await this.send('Input.dispatchMouseEvent',
			{ type, x, y, button: type === 'mouseMoved' ? 'none' : 'left', clickCount: 1 });
	}

	// the point within an element, by shares of its size; scrolled to first
	async place(selector, across = 0.5, down = 0.5) {
		const box = await this.evaluate(`(() => {
			const e = document.querySelector(${JSON.stringify(selector)});
			if (!e) return null;
			e.scrollIntoView({ block: 'center' });
			const r = e.getBoundingClientRect();
			return { x: r.x, y: r.y, width: r.width, height: r.height };
		})()`);
		if (!box)
			throw new Error(`no element ${selector}`);
		return [box.x + box.width * across, box.y + box.height * down];
	}

	async point(selector, across, down) {
		await this.mouse('mouseMoved', ...await this.place(selector, across, down));
	}

	async click(selector, across, down) {
		const [x, y] = await this.place(selector, across, down);
		await this.mouse('mouseMoved', x, y);
		await this.mouse('mousePressed', x, y);
		await this.mouse('mouseReleased', x, y);
	}

	async type(text) {
		await this.send('Input.insertText', { text });
	}

	async key(key) {
		const code = { Enter: 13, Escape: 27, ArrowLeft: 37, ArrowRight: 39, Tab: 9 }[key];
		for (const type of ['rawKeyDown', 'keyUp'])
			await this.send('Input.dispatchKeyEvent', { type, key, code: key, windowsVirtualKeyCode: code });
	}

	async setMedia(scheme, media = '') {
		await this.send('Emulation.setEmulatedMedia',
			{ media, features: [{ name: 'prefers-color-scheme', value: scheme }] });
	}

	async setSize(width, height) {
		await this.send('Emulation.setDeviceMetricsOverride',
			{ width, height, deviceScaleFactor: 1, mobile: false });
	}

	// the whole page as PNG; to FILE if one is given
	async screenshot(file) {
		const { data } = await this.send('Page.captureScreenshot', { captureBeyondViewport: true });
		const png = Buffer.from(data, 'base64');
		if (file)
			fs.writeFileSync(file, png);
		return png;
	}
}

class Browser {
	static async launch() {
		const browser = new Browser();
		await browser.send('Browser.getVersion');
		return browser;
	}

	constructor() {
		this.profile = fs.mkdtempSync(path.join(os.tmpdir(), 'memwatch-browser.'));
		this.pages = new Map();
		this.answers = new Map();
		this.lastId = 0;
		this.log = '';
		this.child = spawn(process.env.CHROMIUM || 'chromium',
			[...FLAGS, `--user-data-dir=${this.profile}`, 'about:blank'],
			{ stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'], detached: true,
				env: { ...process.env, HOME: this.profile } });
		this.ended = new Promise((resolve) => {
			this.child.on('exit', resolve);
			this.child.on('error', (error) => {
				this.log += error.message;
				resolve();
			});
		});
		this.ended.then(() => this.failAll());
		this.child.stderr.on('data', (data) => { this.log = (this.log + data).slice(-LOG_BYTES); });
		this.child.stdio[3].on('error', () => {});
		this.read(this.child.stdio[4]);
		process.on('exit', () => this.remove());
		for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'])
			process.on(signal, () => process.exit(1));
	}

	read(stream) {
		let rest = '';
		stream.setEncoding('utf8');
		stream.on('data', (data) => {
			const messages = (rest + data).split('\0');
			rest = messages.pop();
			for (const message of messages)
				this.take(JSON.parse(message));
		});
	}

	take(message) {
		const waiting = this.answers.get(message.id);
		if (!waiting) {
			this.pages.get(message.sessionId)?.take(message.method, message.params);
			return;
		}
		this.answers.delete(message.id);
		if (message.error)
			waiting.reject(new Error(`${waiting.method}: ${message.error.message}`));
		else
			waiting.resolve(message.result);
	}

	failAll() {
		for (const waiting of this.answers.values())
			waiting.reject(new Error(`${waiting.method}: the browser has ended: ${this.log}`));
		this.answers.clear();
	}

	send(method, params = {}, sessionId) {
		const id = ++this.lastId;
		const answer = new Promise((resolve, reject) => {
			this.answers.set(id, { method, resolve, reject });
		});
		this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
		return within(answer, method);
	}

	// a page of its own, loaded
	async open(url, { width = 1400, height = 900, scheme = 'light' } = {}) {
		const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
		const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
		const page = new Page(this, sessionId);
		this.pages.set(sessionId, page);
		for (const domain of ['Runtime', 'Log', 'Network', 'Page'])
			await page.send(`${domain}.enable`);
		await page.setSize(width, height);
		await page.setMedia(scheme);
		await page.send('Page.navigate', { url });
		await page.until(`location.href === ${JSON.stringify(url)} && document.readyState === 'complete'`);
		return page;
	}

	// and all processes of it
	remove() {
		try {
			process.kill(-this.child.pid, 'SIGKILL');
		} catch {
			// it is gone
		}
		fs.rmSync(this.profile, { recursive: true, force: true, maxRetries: 10 });
	}

	async close() {
		await this.send('Browser.close').catch(() => {});
		await within(this.ended, 'the end of the browser');
		this.remove();
	}
}

module.exports = { Browser };
