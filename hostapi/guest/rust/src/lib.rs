// SPDX-License-Identifier: Apache-2.0

//! Functions for Skerry in Rust: http-wasm handlers, and the native API (docs/abi-skerry.md).
//!
//!     skerry::handler!(hello);
//!
//!     fn hello() {
//!         skerry::set_header("content-type", "text/plain");
//!         skerry::say(&format!("Hello, {}!\n", skerry::path()));
//!     }
//!
//! Each request finds memory as it was when the module was deployed. What may fail answers an
//! `Error` with a number of `abi`; http-wasm's own calls trap instead. `abi` has all calls as they
//! are.

pub mod abi;

/// What a native call answers when it fails: `abi::NOT_FOUND` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error(pub i32);

/// What comes after a handler: nothing, or the next one (`steps` and `origin` in function.yaml).
pub enum Then {
    Answered,
    Next,
}

impl From<()> for Then {
    fn from(_: ()) -> Then {
        Then::Answered
    }
}

/// What a panic says goes to the function's log.
#[doc(hidden)]
pub fn begin() {
    std::panic::set_hook(Box::new(|why| {
        let text = why.to_string();
        unsafe { abi::log(abi::LOG_ERROR, text.as_ptr(), length(text.as_bytes())) }
    }));
}

#[doc(hidden)]
pub fn outcome(then: Then) -> u64 {
    match then {
        Then::Answered => 0,
        Then::Next => 1,
    }
}

/// Exports a handler, a `fn()` or `fn() -> skerry::Then`; with a second one, a `fn(is_error: bool)`,
/// what is to be done when the next handler has answered.
#[macro_export]
macro_rules! handler {
    ($request:path) => {
        $crate::handler!($request, (|_: bool| ()));
    };
    ($request:path, $response:expr) => {
        #[no_mangle]
        pub extern "C" fn handle_request() -> u64 {
            $crate::begin();
            $crate::outcome($request().into())
        }
        #[no_mangle]
        pub extern "C" fn handle_response(_context: u32, is_error: u32) {
            $response(is_error != 0)
        }
    };
}

// ---- the request and its response ---------------------------------------------------------------

/// All bytes of a getter: it writes nothing when there is not enough room, and says how much it is.
fn bytes_of(get: impl Fn(*mut u8, u32) -> i64) -> Result<Vec<u8>, Error> {
    let mut buffer = vec![0u8; 256];
    loop {
        let found = get(buffer.as_mut_ptr(), buffer.len() as u32);
        if found < 0 {
            return Err(Error(found as i32));
        }
        let fits = found as usize <= buffer.len();
        buffer.resize(found as usize, 0);
        if fits {
            return Ok(buffer);
        }
    }
}

fn text_of(get: impl Fn(*mut u8, u32) -> u32) -> String {
    let bytes = bytes_of(|buffer, limit| get(buffer, limit) as i64).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn length(bytes: &[u8]) -> u32 {
    bytes.len() as u32
}

pub fn method() -> String {
    text_of(|buffer, limit| unsafe { abi::get_method(buffer, limit) })
}

/// Path and query as they were sent.
pub fn uri() -> String {
    text_of(|buffer, limit| unsafe { abi::get_uri(buffer, limit) })
}

pub fn path() -> String {
    uri().split('?').next().unwrap_or("").to_owned()
}

/// The value of `name=value` in the query, as it was sent.
pub fn query(name: &str) -> Option<String> {
    let uri = uri();
    let rows = uri.split_once('?')?.1.split('&');
    let mut pairs = rows.filter_map(|row| row.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

fn values_of(kind: i32, name: &str) -> Vec<String> {
    let name = name.as_bytes();
    let bytes = bytes_of(|buffer, limit| {
        let found =
            unsafe { abi::get_header_values(kind, name.as_ptr(), length(name), buffer, limit) };
        (found & 0xffff_ffff) as i64
    });
    let bytes = bytes.unwrap_or_default();
    let mut values = bytes.split(|byte| *byte == 0).map(|value| {
        String::from_utf8_lossy(value).into_owned()
    }).collect::<Vec<_>>();
    values.pop(); // behind the last NUL
    values
}

/// The first header of the request with this name.
pub fn header(name: &str) -> Option<String> {
    values_of(abi::REQUEST_HEADERS, name).into_iter().next()
}

/// All of the request's body.
pub fn body() -> Vec<u8> {
    let mut body = Vec::new();
    let mut piece = [0u8; 4096];
    loop {
        let got =
            unsafe { abi::read_body(abi::REQUEST_BODY, piece.as_mut_ptr(), length(&piece)) };
        body.extend_from_slice(&piece[..(got & 0xffff_ffff) as usize]);
        if got >> 32 != 0 {
            return body;
        }
    }
}

fn change_header(
    change: unsafe extern "C" fn(i32, *const u8, u32, *const u8, u32),
    kind: i32,
    name: &str,
    value: &str,
) {
    let (name, value) = (name.as_bytes(), value.as_bytes());
    unsafe { change(kind, name.as_ptr(), length(name), value.as_ptr(), length(value)) }
}

pub fn set_status(status: u32) {
    unsafe { abi::set_status_code(status) }
}

pub fn set_header(name: &str, value: &str) {
    change_header(abi::set_header_value, abi::RESPONSE_HEADERS, name, value)
}

pub fn add_header(name: &str, value: &str) {
    change_header(abi::add_header_value, abi::RESPONSE_HEADERS, name, value)
}

/// Of the request, for the next handler.
pub fn set_request_header(name: &str, value: &str) {
    change_header(abi::set_header_value, abi::REQUEST_HEADERS, name, value)
}

/// More of the response's body.
pub fn write(bytes: &[u8]) {
    unsafe { abi::write_body(abi::RESPONSE_BODY, bytes.as_ptr(), length(bytes)) }
}

pub fn say(text: &str) {
    write(text.as_bytes())
}

/// A whole answer in a few words.
pub fn answer(status: u32, text: &str) {
    set_status(status);
    set_header("content-type", "text/plain");
    say(text);
}

/// What is written of the response goes out now.
pub fn flush() -> Result<(), Error> {
    checked(unsafe { abi::response_flush_v1() } as i64).map(drop)
}

// ---- the native API -------------------------------------------------------------------------------

fn checked(found: i64) -> Result<i64, Error> {
    if found < 0 {
        Err(Error(found as i32))
    } else {
        Ok(found)
    }
}

fn missing_is_none<T>(found: Result<T, Error>) -> Result<Option<T>, Error> {
    match found {
        Ok(value) => Ok(Some(value)),
        Err(Error(abi::NOT_FOUND)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A variable of the function's environment.
pub fn env(name: &str) -> Option<String> {
    let name = name.as_bytes();
    let value = bytes_of(|buffer, limit| unsafe {
        abi::env_get_v1(name.as_ptr(), length(name), buffer, limit) as i64
    });
    value.ok().map(|value| String::from_utf8_lossy(&value).into_owned())
}

pub fn secret(name: &str) -> Result<Option<Vec<u8>>, Error> {
    let name = name.as_bytes();
    missing_is_none(bytes_of(|buffer, limit| unsafe {
        abi::secret_get_v1(name.as_ptr(), length(name), buffer, limit) as i64
    }))
}

/// One line of the function's log.
pub fn log(text: &str) {
    let text = text.as_bytes();
    unsafe { abi::log(abi::LOG_INFO, text.as_ptr(), length(text)) }
}

/// With `abi::LOG_WARN` and so on, and fields.
pub fn log_fields(level: i32, text: &str, fields: &[(&str, &str)]) -> Result<(), Error> {
    let (text, fields) = (text.as_bytes(), packed(fields));
    checked(unsafe {
        abi::log_v1(level, text.as_ptr(), length(text), fields.as_ptr(), length(&fields))
    } as i64).map(drop)
}

/// Adds to a counter in the server's metrics.
pub fn count(name: &str, amount: i64) -> Result<(), Error> {
    checked(unsafe { abi::counter_add_v1(name.as_ptr(), length(name.as_bytes()), amount) } as i64)
        .map(drop)
}

/// How many more there may be of the key in this window, or `Error(abi::LIMIT)`.
pub fn rate_limit(key: &str, limit: u32, window_ms: i64) -> Result<u32, Error> {
    let key = key.as_bytes();
    checked(unsafe { abi::rate_limit_v1(key.as_ptr(), length(key), limit, window_ms) } as i64)
        .map(|left| left as u32)
}

/// For a command with a `main`, once, when it is ready for a request: it is run up to here when it is
/// deployed, and each request goes on from here, with its own arguments, environment, standard input
/// and time. False: nothing was frozen. What random bytes went into before, a `HashMap`'s keys among
/// it, is the same in all requests: say `reseeds: true`, and seed anew what must not be.
#[cfg(target_os = "wasi")]
pub fn checkpoint() -> bool {
    extern "C" {
        fn __wasilibc_deinitialize_environ();
        fn __wasilibc_maybe_reinitialize_environ_eagerly();
    }
    unsafe {
        let went_on = abi::checkpoint_v1();
        __wasilibc_deinitialize_environ();
        __wasilibc_maybe_reinitialize_environ_eagerly();
        went_on == 1
    }
}

/// Nanoseconds since 1970; it stands still while the function runs.
pub fn now_ns() -> i64 {
    unsafe { abi::time_now_v1(0) }
}

/// Fit for keys.
pub fn random(bytes: &mut [u8]) -> Result<(), Error> {
    checked(unsafe { abi::random_v1(bytes.as_mut_ptr(), length(bytes)) } as i64).map(drop)
}

/// "name NUL value NUL ..."
fn packed(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        for text in [name, value] {
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(0);
        }
    }
    bytes
}

/// The tenant's keys and values.
pub mod kv {
    use super::{abi, bytes_of, checked, length, missing_is_none, Error};

    /// For `put_if` and `delete_if`: whatever the key's version is.
    pub const ANY_VERSION: i64 = -1;

    /// The value, and its version.
    pub fn get_version(key: &str) -> Result<Option<(Vec<u8>, i64)>, Error> {
        let key = key.as_bytes();
        let version = std::cell::Cell::new(0i64);
        let value = bytes_of(|buffer, limit| unsafe {
            abi::kv_get_v1(key.as_ptr(), length(key), buffer, limit, version.as_ptr()) as i64
        });
        missing_is_none(value.map(|value| (value, version.get())))
    }

    pub fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(get_version(key)?.map(|(value, _)| value))
    }

    /// Answers the new version when it is on disk. `ttl_ms`: 0 for ever. `version`: 0 if the key must
    /// not be there.
    pub fn put_if(key: &str, value: &[u8], ttl_ms: i64, version: i64) -> Result<i64, Error> {
        let key = key.as_bytes();
        checked(unsafe {
            abi::kv_put_v1(
                key.as_ptr(), length(key), value.as_ptr(), length(value), ttl_ms, version)
        })
    }

    pub fn put(key: &str, value: &[u8]) -> Result<i64, Error> {
        put_if(key, value, 0, ANY_VERSION)
    }

    pub fn delete_if(key: &str, version: i64) -> Result<(), Error> {
        let key = key.as_bytes();
        checked(unsafe { abi::kv_delete_v1(key.as_ptr(), length(key), version) } as i64).map(drop)
    }

    pub fn delete(key: &str) -> Result<(), Error> {
        delete_if(key, ANY_VERSION)
    }

    /// Adds to the number that the value is; the sum.
    pub fn add(key: &str, number: i64) -> Result<i64, Error> {
        let key = key.as_bytes();
        let mut sum = 0i64;
        let done = unsafe { abi::kv_add_v1(key.as_ptr(), length(key), number, &mut sum) };
        checked(done as i64).map(|_| sum)
    }

    /// Keys that begin so, in their order.
    pub fn list(prefix: &str) -> Result<Vec<String>, Error> {
        let mut keys: Vec<String> = Vec::new();
        let mut buffer = vec![0u8; 16384];
        loop {
            let after = keys.last().cloned().unwrap_or_default();
            let found = checked(unsafe {
                abi::kv_list_v1(
                    prefix.as_ptr(), length(prefix.as_bytes()),
                    after.as_ptr(), length(after.as_bytes()),
                    buffer.as_mut_ptr(), length(&buffer))
            } as i64)?;
            let mut rest = &buffer[..found as usize];
            if rest.is_empty() {
                return Ok(keys);
            }
            while rest.len() > 2 {
                let (key, more) = rest[2..].split_at(rest[0] as usize | (rest[1] as usize) << 8);
                keys.push(String::from_utf8_lossy(key).into_owned());
                rest = more;
            }
        }
    }
}

/// The answer of another server, or of another function; one that may still come.
pub struct Reply {
    handle: u32,
}

impl Reply {
    fn of(handle: i32) -> Result<Reply, Error> {
        checked(handle as i64).map(|handle| Reply { handle: handle as u32 })
    }

    /// Waits for the head.
    pub fn status(&self) -> Result<u32, Error> {
        checked(unsafe { abi::fetch_status_v1(self.handle) } as i64).map(|status| status as u32)
    }

    /// The first header with this name.
    pub fn header(&self, name: &str) -> Option<String> {
        let name = name.as_bytes();
        let value = bytes_of(|buffer, limit| unsafe {
            abi::fetch_header_v1(self.handle, name.as_ptr(), length(name), 0, buffer, limit) as i64
        });
        value.ok().map(|value| String::from_utf8_lossy(&value).into_owned())
    }

    /// Waits for more of the body; 0: the end.
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize, Error> {
        let got = unsafe { abi::fetch_read_v1(self.handle, buffer.as_mut_ptr(), length(buffer)) };
        checked(got as i64).map(|count| count as usize)
    }

    /// All that comes of the body.
    pub fn body(&self) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        let mut piece = [0u8; 4096];
        loop {
            match self.read(&mut piece)? {
                0 => return Ok(body),
                count => body.extend_from_slice(&piece[..count]),
            }
        }
    }

    /// What went wrong, in words.
    pub fn error(&self) -> String {
        text_of(|buffer, limit| unsafe { abi::fetch_error_v1(self.handle, buffer, limit) as u32 })
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        unsafe { abi::handle_close_v1(self.handle) };
    }
}

/// Asks another server that `outbound` in function.yaml lists, follows redirects, and does not wait.
pub fn fetch(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Reply, Error> {
    let headers = packed(headers);
    Reply::of(unsafe {
        abi::fetch_start_v1(
            method.as_ptr(), length(method.as_bytes()), url.as_ptr(), length(url.as_bytes()),
            headers.as_ptr(), length(&headers), body.as_ptr(), length(body),
            abi::FETCH_FOLLOW as u32, 0)
    })
}

/// Calls another function of the tenant, and does not wait.
pub fn call(
    function: &str,
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Reply, Error> {
    let headers = packed(headers);
    Reply::of(unsafe {
        abi::call_start_v1(
            function.as_ptr(), length(function.as_bytes()),
            method.as_ptr(), length(method.as_bytes()), uri.as_ptr(), length(uri.as_bytes()),
            headers.as_ptr(), length(&headers), body.as_ptr(), length(body))
    })
}

/// Which of the replies is ready; `Error(abi::TIMEOUT)`. Less than 0 milliseconds: for ever.
pub fn wait(replies: &[&Reply], timeout_ms: i64) -> Result<usize, Error> {
    let handles: Vec<u32> = replies.iter().map(|reply| reply.handle).collect();
    checked(unsafe { abi::wait_v1(handles.as_ptr(), handles.len() as u32, timeout_ms) } as i64)
        .map(|index| index as usize)
}
