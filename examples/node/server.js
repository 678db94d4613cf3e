import { createApp } from './app.js';

const port = Number(process.env.PORT || 3000);
const app = createApp({ version: process.env.APP_VERSION });

const server = app.listen(port, (error) => {
  if (error) {
    console.error(`cannot listen on port ${port}: ${error.message}`);
    process.exit(1);
  }
  console.log(`listening on port ${port}`);
});

// As PID 1 of a container a process gets no default signal handling: without this, every
// `docker stop` would wait its ten seconds and then kill requests in flight.
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    console.log(`${signal}: finishing open requests`);
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), 8000).unref();
  });
}
