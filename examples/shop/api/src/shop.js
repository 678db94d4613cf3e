import { createDatabase } from './database.js';
import { createCache } from './cache.js';

/** The Redis list through which the API wakes the worker. */
export const NEW_ORDERS = 'orders:new';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const COLUMNS = 'id, product, quantity, total_cents, status, created_at';

/** A request that cannot be met, with the HTTP status that says so. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** The shop itself: PostgreSQL remembers, Redis counts visits and wakes the worker. */
export class Shop {
  #db;
  #cache;

  constructor(db = createDatabase(), cache = createCache()) {
    this.#db = db;
    this.#cache = cache;
  }

  /** Connect to Redis; PostgreSQL's pool connects when it is first asked. */
  async open() {
    await this.#cache.connect();
  }

  async close() {
    this.#cache.destroy();
    await this.#db.end();
  }

  async ping() {
    await Promise.all([this.#db.query('SELECT 1'), this.#cache.ping()]);
  }

  async products() {
    const { rows } = await this.#db.query(
      'SELECT id, name, price_cents FROM products ORDER BY name',
    );
    return rows;
  }

  /** How many there were, or null while Redis is away: no reason to close the shop. */
  async countVisit() {
    return this.#cache.incr('visits').catch(() => null);
  }

  async placeOrder({ product, quantity }) {
    const { rows } = await this.#db.query(
      `INSERT INTO orders (product, quantity, total_cents)
       SELECT id, $2, price_cents * $2 FROM products WHERE id = $1
       RETURNING ${COLUMNS}`,
      [product, quantity],
    );
    if (rows.length === 0) {
      throw new Refused(422, 'no such product');
    }
    // The order is safe by now. If Redis is away, the worker finds it on its next round.
    await this.#cache
      .lPush(NEW_ORDERS, rows[0].id)
      .catch((error) => console.error('cannot wake the worker:', error.message));
    return rows[0];
  }

  async order(id) {
    if (!UUID.test(id)) {
      return undefined;
    }
    const { rows } = await this.#db.query(`SELECT ${COLUMNS} FROM orders WHERE id = $1`, [id]);
    return rows[0];
  }
}
