const http = require("node:http");

const port = process.env.PORT || 3000;
http
  .createServer((request, response) => response.end("hello from node-plain"))
  .listen(port, () => console.log(`listening on ${port}`));
