fn main() {
    let port = std::env::var("PORT").unwrap_or("4000".into());
    let server = tiny_http::Server::http(format!("0.0.0.0:{port}")).expect("the port is free");
    for request in server.incoming_requests() {
        let _ = request.respond(tiny_http::Response::from_string(greeting::text()));
    }
}
