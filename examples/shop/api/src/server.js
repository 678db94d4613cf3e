import { createApp } from './app.js';
import { Shop } from './shop.js';

const port = Number(process.env.PORT || 3000);
const shop = new Shop();
await shop.open();

const server = createApp(shop).listen(port, (error) => {
  if (error) {
    console.error(`cannot listen on port ${port}: ${error.message}`);
    process.exit(1);
  }
  console.log(`listening on port ${port}`);
});

// As PID 1 of a container a process gets no default signal handling.
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    server.close(async () => {
      await shop.close();
      process.exit(0);
    });
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), 8000).unref();
  });
}
