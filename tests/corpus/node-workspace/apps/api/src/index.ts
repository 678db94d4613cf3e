import { greeting } from "@acme/greeting";
import express from "express";

const app = express();
app.get("/", (_request, response) => {
  response.send(greeting("node-workspace"));
});
app.listen(process.env.PORT || 3001);
