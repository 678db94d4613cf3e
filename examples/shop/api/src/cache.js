import { createClient } from 'redis';

export function createCache(url = process.env.REDIS_URL) {
  const client = createClient({
    url,
    // While Redis is away a command fails at once instead of waiting in a queue …
    disableOfflineQueue: true,
    // … and the client tries again for as long as it takes.
    socket: { connectTimeout: 3000, reconnectStrategy: (tries) => Math.min(100 * tries, 2000) },
  });
  client.on('error', (error) => console.error('cache:', error.message));
  return client;
}
