use axum::{response::Html, routing::get, Router};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let template = std::fs::read_to_string("templates/index.html")?;
    let app = Router::new()
        .route("/", get(move || async move { Html(shop_core::page(&template)) }))
        .route("/healthz", get(|| async { "ok" }));
    let port: u16 = std::env::var("PORT")
        .ok()
        .and_then(|port| port.parse().ok())
        .unwrap_or(8000);
    let listener = tokio::net::TcpListener::bind(("0.0.0.0", port)).await?;
    axum::serve(listener, app).await
}
