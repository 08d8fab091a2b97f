// SPDX-License-Identifier: Apache-2.0
// The other half of exec_module.c: the same calls in V8, printed the same way.
import { readFileSync } from 'node:fs';

const ROUNDS = 3;
const small = [0, 1, -1, 7, 65536, -2147483648, 100, -300];
const words = new DataView(new ArrayBuffer(8));
let out = [];

function hex32(n) { return (n >>> 0).toString(16).padStart(8, '0'); }
function hex64(n) { return BigInt.asUintN(64, n).toString(16).padStart(16, '0'); }

function print(type, value) {
    switch (type) {
    case 'i32': return ` i32:${hex32(value)}`;
    case 'i64': return ` i64:${hex64(value)}`;
    case 'f32': words.setFloat32(0, value);
        return Number.isNaN(value) ? ' f32:nan' : ` f32:${hex32(words.getInt32(0))}`;
    case 'f64': words.setFloat64(0, value);
        return Number.isNaN(value) ? ' f64:nan' : ` f64:${hex64(words.getBigInt64(0))}`;
    default: return value === null ? ' null' : ' ref';
    }
}

function argument(type, round, index) {
    const n = small[(round * 3 + index * 5) % small.length];
    switch (type) {
    case 'i32': return n;
    case 'i64': return BigInt(n) * 65537n;
    case 'f32': return n / 4;
    case 'f64': return n / 8;
    default: return null;
    }
}

function trapKind(message) {
    const kinds = [[/unreachable/, 'unreachable'], [/divide by zero|remainder by zero/, 'integer divide by zero'],
        [/divide result unrepresentable|float unrepresentable/, 'conversion'],
        [/memory access out of bounds/, 'out of bounds memory access'],
        [/table index is out of bounds|table access out of bounds|table or .*bounds|element segment|table.*out of bounds/, 'table'],
        [/null function or function signature mismatch|signature mismatch/, 'signature'],
        [/dereferencing a null pointer/, 'null reference']];
    for (const [pattern, kind] of kinds)
        if (pattern.test(message)) return kind;
    return message;
}

// Types of exported functions: read from the binary, since JavaScript cannot tell them.
function functionTypes(bytes) {
    let at = 8;
    const u32 = () => { let r = 0, s = 0, b; do { b = bytes[at++]; r += (b & 127) * 2 ** s; s += 7; } while (b & 128); return r; };
    const names = { 0x7f: 'i32', 0x7e: 'i64', 0x7d: 'f32', 0x7c: 'f64', 0x7b: 'v128', 0x70: 'ref', 0x6f: 'ref' };
    const vector = () => Array.from({ length: u32() }, () => names[bytes[at++]]);
    const types = [], funcs = [], exported = {};
    while (at < bytes.length) {
        const id = bytes[at++], end = u32() + at;
        if (id === 1) for (let n = u32(); n > 0; n--) { at++; const params = vector(); types.push({ params, results: vector() }); }
        if (id === 2) for (let n = u32(); n > 0; n--) {
            let k = u32(); at += k; k = u32(); at += k;
            const kind = bytes[at++];
            if (kind === 0) funcs.push(types[u32()]);
            else throw new Error('only functions are imported here');
        }
        if (id === 3) for (let n = u32(); n > 0; n--) funcs.push(types[u32()]);
        if (id === 7) for (let n = u32(); n > 0; n--) {
            const k = u32(), name = new TextDecoder().decode(bytes.subarray(at, at + k));
            at += k; const kind = bytes[at++], index = u32();
            if (kind === 0) exported[name] = funcs[index];
        }
        at = end;
    }
    return exported;
}

function call(text, f, args, results) {
    let line = text;
    const before = out.length;
    try {
        let r = f(...args);
        if (results.length === 1) r = [r];
        results.forEach((type, i) => { line += print(type, r[i]); });
        out.splice(before, 0);
        pending(before, line);
        return true;
    } catch (e) {
        const over = e instanceof RangeError && /call stack/.test(e.message);
        pending(before, `${line} trap: ${over ? 'call stack exhausted' : trapKind(e.message)}`);
        return !over;
    }
}

// The C half prints the name first, then what is logged, then the results on that line: the
// first log lands behind the name.
function pending(before, line) {
    const space = line.indexOf(' ');
    if (out.length === before) { out.push(line); return; }
    const name = space < 0 ? line : line.slice(0, space);
    out[before] = name + out[before];
    out.push(space < 0 ? '' : line.slice(space));
}

function run(path) {
    out.push(`== ${path}`);
    const bytes = readFileSync(path);
    let module;
    try { module = new WebAssembly.Module(bytes); } catch { out.push('not compiled'); return; }
    const types = functionTypes(bytes);
    const log = (type) => (value) => { out.push(`log${print(type, value)}`); };
    const imports = { 'fuzzing-support': { 'log-i32': log('i32'), 'log-i64': log('i64'), 'log-f32': log('f32'), 'log-f64': log('f64'), 'log-v128': log('v128') } };
    let instance;
    try { instance = new WebAssembly.Instance(module, imports); } catch (e) {
        out.push('not instantiated'); return;
    }
    for (let round = 0; round < ROUNDS; round++)
        for (const { name, kind } of WebAssembly.Module.exports(module)) {
            if (kind !== 'function') continue;
            // JavaScript has no vectors: such functions cannot be called from it.
            if ([...types[name].params, ...types[name].results].includes('v128')) continue;
            const args = types[name].params.map((type, i) => argument(type, round, i));
            if (!call(name, instance.exports[name], args, types[name].results)) return;
        }
}

for (const path of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
    run(path);
    process.stdout.write(out.join('\n') + '\n');
    out = [];
}
