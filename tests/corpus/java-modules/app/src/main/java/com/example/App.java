package com.example;

import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;

public final class App {
    public static void main(String[] args) throws Exception {
        String wanted = System.getenv("PORT");
        int port = wanted == null ? 6060 : Integer.parseInt(wanted);
        HttpServer server = HttpServer.create(new InetSocketAddress(port), 0);
        server.createContext("/health", exchange -> {
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
        });
        server.createContext("/", exchange -> {
            byte[] body = Greeting.text().getBytes();
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }
}
