export default {
  fetch: () => new Response("hello from deno-serve"),
} satisfies Deno.ServeDefaultExport;
