// SPDX-License-Identifier: Apache-2.0

//! A page made of files that came with the version: page.html is the frame, poems/ what is in it.

use std::{env, fs, io};

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Names of the poems, in their order.
fn titles() -> io::Result<Vec<String>> {
    let names = fs::read_dir("/poems")?.map(|entry| Ok(entry?.file_name()));
    let names: io::Result<Vec<_>> = names.collect();
    let mut titles: Vec<String> = names?
        .iter()
        .filter_map(|name| name.to_str()?.strip_suffix(".txt").map(str::to_owned))
        .collect();
    titles.sort();
    Ok(titles)
}

fn page(wanted: &str) -> io::Result<String> {
    let frame = fs::read_to_string("/page.html")?;
    let titles = titles()?;
    let links: String = titles.iter().map(|t| format!("<li><a href=\"{t}\">{t}</a>\n")).collect();
    let poem = match titles.iter().find(|title| *title == wanted) {
        Some(title) => fs::read_to_string(format!("/poems/{title}.txt"))?,
        None => "Choose one.\n".to_owned(),
    };
    Ok(frame.replace("{{links}}", &links).replace("{{poem}}", &escaped(&poem)))
}

fn main() {
    let path = env::var("PATH_INFO").unwrap_or_default();
    match page(path.trim_start_matches('/')) {
        Ok(text) => print!("content-type: text/html; charset=utf-8\n\n{text}"),
        Err(why) => print!("status: 500\ncontent-type: text/plain\n\n{why}\n"),
    }
}
