import { Hono } from "hono";

const app = new Hono();
app.get("/", (context) => context.text("hello from node-bun"));

export default { port: process.env.PORT ?? 3000, fetch: app.fetch };
