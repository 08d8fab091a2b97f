// SPDX-License-Identifier: Apache-2.0

//! Answers "Hello, <path>!" as a WAGI command: environment variables in, a header block, an empty
//! line and the body out.

fn main() {
    let path = std::env::var("PATH_INFO").unwrap_or_default();
    let name = match path.trim_start_matches('/') {
        "" => "world",
        name => name,
    };
    print!("content-type: text/plain\n\nHello, {name}!\n");
}
