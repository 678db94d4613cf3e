import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { createApp } from '../src/app.js';
import { Refused } from '../src/shop.js';

const ID = '0b0ff1de-5ca1-4b1e-8f00-000000000001';

/** A shop in memory, with the methods of the real one. */
class FakeShop {
  orders = new Map();
  visits = 0;
  broken = false;

  async ping() {
    if (this.broken) throw new Error('connect ECONNREFUSED 10.0.0.7:5432');
  }

  async products() {
    return [{ id: 'tea-pot', name: 'Tea pot', price_cents: 3450 }];
  }

  async countVisit() {
    return ++this.visits;
  }

  async placeOrder({ product, quantity }) {
    if (product !== 'tea-pot') throw new Refused(422, 'no such product');
    const order = { id: ID, product, quantity, total_cents: 3450 * quantity, status: 'new' };
    this.orders.set(order.id, order);
    return order;
  }

  async order(id) {
    return this.orders.get(id);
  }
}

let shop;
let server;
let base;

before(async () => {
  // Methods are looked up at each call, so that every test may have a shop of its own.
  const current = new Proxy({}, { get: (_, method) => (...args) => shop[method](...args) });
  server = createApp(current).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  base = `http://127.0.0.1:${server.address().port}`;
});

beforeEach(() => {
  shop = new FakeShop();
});

after(() => server.close());

const post = (path, body) =>
  fetch(base + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

test('health is that of the database and the cache', async () => {
  assert.equal((await fetch(`${base}/health`)).status, 200);

  shop.broken = true;
  const response = await fetch(`${base}/health`);
  assert.equal(response.status, 503);
  assert.deepEqual(await response.json(), { error: 'not available' });
});

test('products are listed', async () => {
  const products = await (await fetch(`${base}/products`)).json();

  assert.deepEqual(products, [{ id: 'tea-pot', name: 'Tea pot', price_cents: 3450 }]);
});

test('visits are counted', async () => {
  await post('/visits');

  assert.deepEqual(await (await post('/visits')).json(), { visits: 2 });
});

test('an order can be placed and read back', async () => {
  const placed = await post('/orders', { product: 'tea-pot', quantity: 2 });
  assert.equal(placed.status, 201);
  const order = await placed.json();
  assert.equal(order.total_cents, 6900);

  const read = await fetch(base + placed.headers.get('location'));
  assert.deepEqual(await read.json(), order);
});

test('an order that makes no sense is refused', async () => {
  const refused = [
    [{ quantity: 1 }, 'product must be a string'],
    [{ product: 'tea-pot' }, 'quantity must be a whole number from 1 to 99'],
    [{ product: 'tea-pot', quantity: 0 }, 'quantity must be a whole number from 1 to 99'],
    [{ product: 'tea-pot', quantity: 1.5 }, 'quantity must be a whole number from 1 to 99'],
    [{ product: 'unicorn', quantity: 1 }, 'no such product'],
  ];
  for (const [order, error] of refused) {
    const response = await post('/orders', order);
    assert.equal(response.status, 422);
    assert.deepEqual(await response.json(), { error });
  }
  assert.equal(shop.orders.size, 0);
});

test('what is not there is not found', async () => {
  assert.equal((await fetch(`${base}/orders/${ID}`)).status, 404);
  assert.equal((await fetch(`${base}/nothing-here`)).status, 404);
});
