// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// garbage.js - what a service allocates for a moment and drops: parsed headers, decoded bodies,
// rendered pages. None of it outlives the call.
'use strict';

const HEAD = 'host: status.internal; accept: application/json; x-request-id: 4711; via: proxy-2';
const BODY = JSON.stringify({
  user: { id: 17, name: 'somebody', roles: ['reader', 'writer'] },
  items: [1, 2, 3, 4, 5, 6].map((n) => ({ n, price: n * 1.5, label: `item ${n}` })),
});

function parseHeaders(i) { // GARBAGE fn=parseHeaders
  const headers = {};
  for (const line of HEAD.split('; ')) {
    const [name, value] = line.split(': ');
    headers[`${name}-${i % 7}`] = value.trim();
  }
  return Object.keys(headers).length;
}

function decodeBody(i) { // GARBAGE fn=decodeBody
  const body = JSON.parse(BODY);
  return body.items.filter((item) => item.n !== i % 7).length;
}

function renderPage(i) { // GARBAGE fn=renderPage
  const rows = [];
  for (let n = 0; n < 8; n++) rows.push({ n, text: `<li>${i}:${n * 1.25}</li>` });
  return rows.map((row) => row.text).join('').length;
}

const KINDS = [parseHeaders, decodeBody, renderPage];

function churn(i) { // GARBAGE fn=churn
  return KINDS[i % KINDS.length](i);
}

module.exports = { churn };
