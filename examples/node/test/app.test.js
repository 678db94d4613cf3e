import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { createApp } from '../app.js';

let server;
let base;

before(async () => {
  server = createApp({ version: '1.2.3' }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  base = `http://127.0.0.1:${server.address().port}`;
});

after(() => server.close());

const post = (body) =>
  fetch(`${base}/notes`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });

test('health tells the version', async () => {
  const response = await fetch(`${base}/health`);

  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { status: 'ok', version: '1.2.3' });
});

test('a note can be written and read back', async () => {
  const written = await post(JSON.stringify({ text: ' buy milk ' }));
  assert.equal(written.status, 201);
  const note = await written.json();
  assert.equal(note.text, 'buy milk');

  const read = await fetch(base + written.headers.get('location'));
  assert.deepEqual(await read.json(), note);

  const all = await (await fetch(`${base}/notes`)).json();
  assert.deepEqual(all, [note]);
});

test('a note without text is refused', async () => {
  for (const body of ['{}', '{"text": "  "}', '{"text": 7}']) {
    assert.equal((await post(body)).status, 422, body);
  }
});

test('broken JSON is the caller’s mistake, told without a stack trace', async () => {
  const response = await post('{"text":');

  assert.equal(response.status, 400);
  assert.deepEqual(Object.keys(await response.json()), ['error']);
});

test('an unknown note is not found', async () => {
  assert.equal((await fetch(`${base}/notes/999`)).status, 404);
});
