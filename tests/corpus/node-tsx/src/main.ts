import express from "express";
import { port } from "./config";

const app = express();
app.get("/", (_request, response) => {
  response.send("hello from node-tsx");
});
app.listen(port);
