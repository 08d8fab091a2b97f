// SPDX-License-Identifier: Apache-2.0

//! @NAME@ answers "Hello, <path>!".
//!
//! Each request finds memory as it was when the module was deployed: nothing has to be cleared.
//! The crate in skerry/ has all that a function can ask for.

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
