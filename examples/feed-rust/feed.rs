// SPDX-License-Identifier: Apache-2.0

//! Fetches a page and makes something else of it: its links, one a line, as JSON. Which page is the
//! variable PAGE; the answer is kept for a minute, so that the page's server is asked once.

skerry::handler!(feed);

const KEPT_MS: i64 = 60_000;

fn feed() {
    let page = skerry::env("PAGE").unwrap_or_default();
    let key = format!("feed:{page}");
    let kept = skerry::kv::get(&key).ok().flatten();
    skerry::set_header("x-feed", if kept.is_some() { "kept" } else { "fetched" });
    match kept.map(Ok).unwrap_or_else(|| links_of(&page)) {
        Ok(json) => {
            let _ = skerry::kv::put_if(&key, &json, KEPT_MS, 0); // 0: only if it is not there
            skerry::set_header("content-type", "application/json");
            skerry::write(&json);
        }
        Err(why) => skerry::answer(502, &format!("{page}: {why}\n")),
    }
}

fn links_of(page: &str) -> Result<Vec<u8>, String> {
    let reply = skerry::fetch("GET", page, &[("accept", "text/html")], b"")
        .map_err(|error| format!("{error:?}"))?;
    match reply.status() {
        Ok(200) => (),
        Ok(status) => return Err(format!("it answered {status}")),
        Err(_) => return Err(reply.error()),
    }
    let html = reply.body().map_err(|_| reply.error())?;
    let html = String::from_utf8_lossy(&html);
    let links = html.split("href=\"").skip(1).filter_map(|rest| rest.split_once('"'));
    let rows: Vec<String> = links.map(|(link, _)| format!("{link:?}")).collect();
    Ok(format!("[{}]\n", rows.join(",\n ")).into_bytes())
}
