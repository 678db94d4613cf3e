const express = require("express");

const app = express();
const PORT = parseInt(process.env.PORT, 10) || 4000;

app.get("/", (request, response) => response.send("hello from node-npm"));
app.get("/health", (request, response) => response.json({ status: "ok" }));

app.listen(PORT, () => console.log(`listening on ${PORT}`));
