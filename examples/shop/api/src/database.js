import pg from 'pg';

export function createDatabase(url = process.env.DATABASE_URL) {
  const pool = new pg.Pool({
    connectionString: url,
    connectionTimeoutMillis: 3000,
    query_timeout: 5000,
  });
  // A pool without this listener brings the process down when PostgreSQL restarts.
  pool.on('error', (error) => console.error('database:', error.message));
  return pool;
}
