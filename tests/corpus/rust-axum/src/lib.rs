pub fn page(template: &str) -> String {
    template.replace("{text}", "hello from rust-axum")
}
