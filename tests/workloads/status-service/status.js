// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// status.js - answers GET /api/status/:id: asks every component in every region how it does.
//
// handleStatus(request, response, id, mode); mode says what becomes of the request's context:
//   leaking    it stays in handleMap for ever (the bug)
//   truncated  it is never made: the handler returns before (isolates the code that comes after)
//   fixed      it is released when the response is finished, or its connection closed
'use strict';

const { StatusContext, saveContext, releaseContext } = require('./handles');

const COMPONENTS = ['database', 'cache', 'queue', 'search', 'storage', 'mail', 'billing', 'auth'];
const REGIONS = ['eu-north', 'us-east'];
const DEADLINE_MS = 10000;

// Stands in for a round trip to a component: the same id always gets the same answer.
function probe(id, component, region) {
  return new Promise((resolve) => {
    setImmediate(() => {
      let hash = 7;
      for (const c of `${id}/${component}/${region}`) hash = (hash * 31 + c.charCodeAt(0)) % 9973;
      resolve({ connect: (hash % 13) / 10, firstByte: (hash % 89) / 10, load: hash % 100 });
    });
  });
}

async function checkComponent(context, component, region) {
  const answer = await probe(context.id, component, region);
  const total = answer.connect + answer.firstByte;
  const state = answer.load > 97 ? 'overloaded' : 'ok';

  context.addCheck({
    component,
    region,
    state,
    checkedAt: new Date(),
    endpoint: { host: `${component}.${region}.internal`, port: 7000 + component.length, tls: true },
    latency: { connect: answer.connect, firstByte: answer.firstByte, total },
    load: { percent: answer.load, limit: 97, history: [answer.load, answer.load / 2, 0] },
    labels: [component, region, `${component}@${region}`],
  });
  context.note(`${component} in ${region} is ${state} after ${total.toFixed(1)} ms`, {
    component,
    region,
    attempt: 1,
  });
}

// Whoever wants the request to end early calls context.abort(reason); so does its deadline.
function armDeadline(context, response) {
  const timer = setTimeout(() => context.abort('deadline'), DEADLINE_MS);

  context.abort = (reason) => {
    clearTimeout(timer);
    context.aborted = true;
    context.note(`aborted: ${reason}`);
    if (!response.headersSent) sendJson(response, 503, { id: context.id, state: 'aborted' });
  };
  return () => clearTimeout(timer);
}

function sendJson(response, status, body) {
  const text = JSON.stringify(body);

  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

async function handleStatus(request, response, id, mode) {
  if (mode === 'truncated') {
    sendJson(response, 200, { id, state: 'unknown' });
    return;
  }

  const context = new StatusContext(id, request);
  const handle = saveContext(context);
  const disarm = armDeadline(context, response);
  const ended = () => {
    disarm();
    if (mode === 'fixed') releaseContext(handle);
  };
  response.once('finish', ended);
  response.once('close', ended);

  for (const region of REGIONS) {
    await Promise.all(COMPONENTS.map((component) => checkComponent(context, component, region)));
    if (context.aborted) return;
  }
  sendJson(response, 200, {
    id,
    state: context.summary.state,
    passed: context.summary.passed,
    failed: context.summary.failed,
    slowest: context.summary.slowest.component,
  });
}

module.exports = { handleStatus, sendJson };
