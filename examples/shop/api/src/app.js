import express from 'express';

import { Refused } from './shop.js';

/** HTTP in front of the shop; which shop, the caller decides (a test brings its own). */
export function createApp(shop) {
  const app = express();
  app.disable('x-powered-by');
  app.use(express.json({ limit: '10kb' }));

  app.get('/health', async (req, res) => {
    await shop.ping();
    res.json({ status: 'ok' });
  });

  app.get('/products', async (req, res) => {
    res.json(await shop.products());
  });

  app.post('/visits', async (req, res) => {
    res.json({ visits: await shop.countVisit() });
  });

  app.post('/orders', async (req, res) => {
    const order = await shop.placeOrder(orderFrom(req.body));
    res.status(201).location(`/orders/${order.id}`).json(order);
  });

  app.get('/orders/:id', async (req, res) => {
    const order = await shop.order(req.params.id);
    if (!order) {
      throw new Refused(404, 'no such order');
    }
    res.json(order);
  });

  app.use(() => {
    throw new Refused(404, 'not found');
  });

  // Express knows an error handler by its four parameters.
  app.use((error, req, res, next) => {
    if (res.headersSent) {
      return next(error);
    }
    // Errors with a status are the caller's (ours, and body-parser's 400 and 413). All others
    // mean that PostgreSQL or Redis does not answer, or a bug: the log says which.
    const status = error.status ?? 503;
    if (status >= 500) {
      console.error(`${req.method} ${req.path}:`, error);
    }
    res.status(status).json({ error: status >= 500 ? 'not available' : error.message });
  });

  return app;
}

function orderFrom(body) {
  const { product, quantity } = body ?? {};
  if (typeof product !== 'string') {
    throw new Refused(422, 'product must be a string');
  }
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > 99) {
    throw new Refused(422, 'quantity must be a whole number from 1 to 99');
  }
  return { product, quantity };
}
