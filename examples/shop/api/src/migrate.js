import { readdir, readFile } from 'node:fs/promises';

import pg from 'pg';

const FOLDER = new URL('../migrations/', import.meta.url);
const LOCK = 7_226_001; // any number, the same for all: two migrations at once take turns

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
try {
  await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
  await client.query(
    `CREATE TABLE IF NOT EXISTS migrations (
       name text PRIMARY KEY,
       applied_at timestamptz NOT NULL DEFAULT now()
     )`,
  );
  const { rows } = await client.query('SELECT name FROM migrations');
  const applied = new Set(rows.map((row) => row.name));
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).sort();

  for (const name of files.filter((file) => !applied.has(file))) {
    await apply(name, await readFile(new URL(name, FOLDER), 'utf8'));
  }
  console.log('schema is up to date');
} finally {
  await client.end(); // gives the lock back, too
}

/** A migration and the note that it was made: both or neither. */
async function apply(name, sql) {
  try {
    await client.query('BEGIN');
    await client.query(sql);
    await client.query('INSERT INTO migrations (name) VALUES ($1)', [name]);
    await client.query('COMMIT');
    console.log(`applied ${name}`);
  } catch (error) {
    await client.query('ROLLBACK');
    throw new Error(`migration ${name} failed: ${error.message}`, { cause: error });
  }
}
