// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
'use strict';

exports.call = function call(fn) { //= call
	return fn() + 1; //> (anonymous)
}; //. call
