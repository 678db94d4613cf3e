const port = Number(Deno.env.get("PORT") ?? 8100);

Deno.serve({ port }, () => new Response("hello from deno-plain\n"));
