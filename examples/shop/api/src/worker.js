import { writeFile } from 'node:fs/promises';

import { createCache } from './cache.js';
import { createDatabase } from './database.js';
import { NEW_ORDERS } from './shop.js';

const ALIVE = '/tmp/worker-alive'; // the image's HEALTHCHECK looks at its age
const ROUND = 5; // seconds between two looks at the database when nobody calls

const db = createDatabase();
const cache = createCache();
let stopping = false;

/** Pack one order, or all that are new. Doing it twice is doing it once. */
async function pack(id) {
  const { rows } = await db.query(
    `UPDATE orders SET status = 'packed'
     WHERE status = 'new' AND ($1::uuid IS NULL OR id = $1)
     RETURNING id`,
    [id],
  );
  for (const order of rows) {
    console.log(`packed ${order.id}`);
  }
}

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    stopping = true;
    cache.destroy(); // ends the wait for the next order
  });
}

await cache.connect();
console.log('ready');

// The list only says that there is something to do; what is to be done, the table says. So a
// lost message, a lost Redis or a killed worker delays an order but never loses it.
let id = null;
while (!stopping) {
  try {
    await pack(id);
    await writeFile(ALIVE, '');
    const message = await cache.brPop(NEW_ORDERS, ROUND);
    id = message?.element ?? null;
  } catch (error) {
    if (!stopping) {
      console.error('will try again:', error.message);
      id = null;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}
await db.end();
