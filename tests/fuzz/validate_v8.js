// SPDX-License-Identifier: Apache-2.0
// The other side of validate_vs_v8.py: the same frames in, "ok" or the reason out, by V8.
'use strict';
const fs = require('fs');

function readFully(bytes) {
    for (let at = 0; at < bytes.length;) {
        let got = 0;
        try {
            got = fs.readSync(0, bytes, at, bytes.length - at, null);
        } catch (error) {
            if (error.code !== 'EAGAIN') throw error;
            continue;
        }
        if (got === 0) return false;
        at += got;
    }
    return true;
}

for (;;) {
    const size = Buffer.alloc(4);
    if (!readFully(size)) break;
    const module = Buffer.alloc(size.readUInt32LE(0));
    if (!readFully(module)) break;
    let line = 'ok';
    if (!WebAssembly.validate(module)) {
        try {
            new WebAssembly.Module(module);
            line = 'refused\tby validate only';
        } catch (error) {
            line = 'refused\t' + String(error.message).replace(/\s+/g, ' ');
        }
    }
    fs.writeSync(1, line + '\n');
}
