import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { greeting } from "./greeting.js";

const app = new Hono();
app.get("/", (context) => context.text(greeting()));

serve({ fetch: app.fetch, port: Number(process.env.PORT) || 8787 });
