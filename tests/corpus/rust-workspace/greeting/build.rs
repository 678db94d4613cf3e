fn main() {
    println!("cargo:rustc-env=GREETING=hello from rust-workspace");
}
