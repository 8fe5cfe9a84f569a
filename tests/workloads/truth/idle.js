// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// idle.js - a server that nobody calls: a timer, and little garbage.
'use strict';

const http = require('http');

const { run } = require('./clock');

http.createServer((request, response) => response.end()).listen(0, '127.0.0.1');
run({ garbage: 0.05, step() {} });
