import { Hono } from "hono";

const app = new Hono();
app.get("/", (c) => c.text("hello from deno-npm"));
app.get("/healthz", (c) => c.text("ok"));

Deno.serve({ port: Number(Deno.env.get("PORT") || "8200") }, app.fetch);
