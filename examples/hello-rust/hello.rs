// SPDX-License-Identifier: Apache-2.0

//! Answers "Hello, <path>!" in Rust, with the crate in hostapi/guest/rust. Memory is never given
//! back: every request starts from the module's first bytes again.

skerry::handler!(hello);

fn hello() {
    let path = skerry::path();
    let name = match path.trim_start_matches('/') {
        "" => "world",
        name => name,
    };
    skerry::set_header("content-type", "text/plain");
    skerry::say(&format!("Hello, {name}!\n"));
}
