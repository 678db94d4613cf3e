pub fn text() -> &'static str {
    env!("GREETING")
}
