// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// esm.mjs - the shape esm of leaks.js: a variable of a module that nothing exports.

const openOrders = new Map();
let made = 0;

class Order {
  constructor() {
    this.id = made++;
    this.lines = [`line of ${this.id}`];
  }
}

export function keep() {
  openOrders.set(made, new Order());
}
