import express from 'express';

/** The app without a port, so that a test can give it one. */
export function createApp({ version = 'dev' } = {}) {
  const app = express();
  const notes = new Map(); // gone with the process: this example is about shipping, not storing
  let lastId = 0;

  app.disable('x-powered-by');
  app.use(express.json({ limit: '10kb' }));

  app.get('/', (req, res) => {
    res.type('text').send(`A notebook with ${notes.size} notes. POST {"text": "…"} to /notes.\n`);
  });

  app.get('/health', (req, res) => {
    res.json({ status: 'ok', version });
  });

  app.get('/notes', (req, res) => {
    res.json([...notes.values()]);
  });

  app.post('/notes', (req, res) => {
    const text = typeof req.body?.text === 'string' ? req.body.text.trim() : '';
    if (!text) {
      return res.status(422).json({ error: 'text must be a string that is not empty' });
    }
    const note = { id: ++lastId, text };
    notes.set(note.id, note);
    res.status(201).location(`/notes/${note.id}`).json(note);
  });

  app.get('/notes/:id', (req, res) => {
    const note = notes.get(Number(req.params.id));
    if (!note) {
      return res.status(404).json({ error: 'no such note' });
    }
    res.json(note);
  });

  // Express knows an error handler by its four parameters.
  app.use((error, req, res, next) => {
    if (res.headersSent) {
      return next(error);
    }
    const status = error.status ?? 500; // 400 for broken JSON, 413 for too much of it
    if (status >= 500) {
      console.error(error);
    }
    res.status(status).json({ error: status >= 500 ? 'internal error' : error.message });
  });

  return app;
}
