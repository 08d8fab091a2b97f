// SPDX-License-Identifier: Apache-2.0
// Answers "Hello, <path>!" in Rust with the standard library and no crates. Memory is never
// given back: every request starts from the module's first bytes again.

#[link(wasm_import_module = "http_handler")]
extern "C" {
    fn get_uri(buffer: *mut u8, limit: u32) -> u32;
    fn set_header_value(kind: u32, name: *const u8, name_bytes: u32, value: *const u8, bytes: u32);
    fn write_body(kind: u32, data: *const u8, bytes: u32);
}

const RESPONSE: u32 = 1;
const ANSWERED: u64 = 0;

fn uri() -> String {
    let mut buffer = vec![0u8; 256];
    loop {
        // A result above the limit means that nothing was written: try again with room for it.
        let bytes = unsafe { get_uri(buffer.as_mut_ptr(), buffer.len() as u32) } as usize;
        let fits = bytes <= buffer.len();
        buffer.resize(bytes, 0);
        if fits {
            return String::from_utf8_lossy(&buffer).into_owned();
        }
    }
}

fn set_header(name: &str, value: &str) {
    unsafe {
        set_header_value(
            RESPONSE,
            name.as_ptr(),
            name.len() as u32,
            value.as_ptr(),
            value.len() as u32,
        )
    }
}

fn say(text: &str) {
    unsafe { write_body(RESPONSE, text.as_ptr(), text.len() as u32) }
}

#[no_mangle]
pub extern "C" fn handle_request() -> u64 {
    let uri = uri();
    let path = uri.split('?').next().unwrap_or("");
    let name = match path.trim_start_matches('/') {
        "" => "world",
        name => name,
    };
    set_header("content-type", "text/plain");
    say(&format!("Hello, {}!\n", name));
    ANSWERED
}

/// Called only when handle_request asks for the next handler.
#[no_mangle]
pub extern "C" fn handle_response(_context: u32, _is_error: u32) {}
