// SPDX-License-Identifier: Apache-2.0
// The other half of exec_module.c: the same calls in V8, printed the same way.
//
//   exec_module.mjs [SUPPORT] < list of files
import { readFileSync } from 'node:fs';
import { describe } from './module_bytes.mjs';

const ROUNDS = 3;
const small = [0, 1, -1, 7, 65536, -2147483648, 100, -300];
const EXTERN = 0x6f, I31S = [0x6e, 0x6d, 0x6c]; // the abstract heap types that have an i31
const EXCEPTIONS = [0x69, 0x74];
const words = new DataView(new ArrayBuffer(8));
const hostObject = { a: 'reference of ours' };
let out = [];

function hex32(n) { return (n >>> 0).toString(16).padStart(8, '0'); }
function hex64(n) { return BigInt.asUintN(64, n).toString(16).padStart(16, '0'); }

function isForUs({ kind, heap }) { return kind !== 'v128' && !EXCEPTIONS.includes(heap); }

function printReference(value) {
    if (value === null) return ' null';
    if (typeof value === 'number') return ` i31:${hex32(value & 0x7fffffff)}`;
    return value === hostObject || typeof value === 'function' ? ' ref' : ' object';
}

function print(kind, value) {
    switch (kind) {
    case 'i32': return ` i32:${hex32(value)}`;
    case 'i64': return ` i64:${hex64(value)}`;
    case 'f32': words.setFloat32(0, value);
        return Number.isNaN(value) ? ' f32:nan' : ` f32:${hex32(words.getInt32(0))}`;
    case 'f64': words.setFloat64(0, value);
        return Number.isNaN(value) ? ' f64:nan' : ` f64:${hex64(words.getBigInt64(0))}`;
    default: return printReference(value);
    }
}

// undefined: there is no value of that type that we could give.
function argument({ kind, heap, nullable }, round, index) {
    const n = small[(round * 3 + index * 5) % small.length];
    switch (kind) {
    case 'i32': return n;
    case 'i64': return BigInt(n) * 65537n;
    case 'f32': return n / 4;
    case 'f64': return n / 8;
    case 'v128': return undefined;
    }
    if (EXCEPTIONS.includes(heap)) return undefined;
    const wantsReference = !nullable || round > 0;
    if (heap === EXTERN && wantsReference) return hostObject;
    if (I31S.includes(heap) && wantsReference) return round * 7 + index;
    return nullable ? null : undefined;
}

// undefined: we cannot call such a function.
function argumentsOf({ params, results }, round) {
    const args = params.map((type, i) => argument(type, round, i));
    return args.includes(undefined) || !results.every(isForUs) ? undefined : args;
}

const KINDS = [
    [/unreachable/, 'unreachable'],
    [/divide by zero|remainder by zero/, 'integer divide by zero'],
    [/divide result unrepresentable|float unrepresentable/, 'conversion'],
    [/memory access out of bounds|data segment/, 'out of bounds memory access'],
    [/array element access out of bounds/, 'out of bounds array access'],
    [/table index is out of bounds|table access out of bounds|table or .*bounds|element segment|table.*out of bounds/, 'table'],
    [/null function or function signature mismatch|signature mismatch/, 'signature'],
    [/dereferencing a null pointer|rethrowing null value/, 'null reference'],
    [/illegal cast/, 'cast failure'],
];

// The line that tells how a call failed.
function failure(error) {
    if (error instanceof RangeError && /call stack/.test(error.message)) return 'gave up: stack';
    if (WebAssembly.Exception !== undefined && error instanceof WebAssembly.Exception) return 'trap: uncaught exception';
    const { message } = error;
    if (/requested new array is too large|out of memory/.test(message)) return 'gave up: heap';
    const found = KINDS.find(([pattern]) => pattern.test(message));
    return `trap: ${found === undefined ? message : found[1]}`;
}

// False: nothing after this call can be compared.
function call(name, f, args, results) {
    out.push(name);
    try {
        let values = f(...args);
        if (results.length === 1) values = [values];
        out.push('=' + results.map(({ kind }, i) => print(kind, values[i])).join(''));
        return true;
    } catch (error) {
        out.push(failure(error));
        return !out.at(-1).startsWith('gave up');
    }
}

// FNV-1a, a word at a time.
function hashOf(count, word) {
    let hash = 2166136261;
    for (let i = 0; i < count; i++) hash = Math.imul(hash ^ word(i), 16777619);
    return hex32(hash);
}

function tableState(table) {
    const isBig = typeof table.length === 'bigint', count = Number(table.length);
    // A table of exceptions cannot be read by us.
    let readable = true;
    try { if (count > 0) table.get(isBig ? 0n : 0); } catch { readable = false; }
    return ` ${count} ${hashOf(readable ? count : 0, (i) => table.get(isBig ? BigInt(i) : i) !== null)}`;
}

function printState(exports, types) {
    for (const { name, kind, type } of types) {
        const it = exports[name];
        switch (kind) {
        case 'global': if (isForUs(type)) out.push(name + print(type.kind, it.value)); break;
        case 'memory': {
            const view = new Int32Array(it.buffer);
            out.push(`${name} ${it.buffer.byteLength} ${hashOf(view.length, (i) => view[i])}`);
            break;
        }
        case 'table': out.push(name + tableState(it)); break;
        }
    }
}

// What a module imports; `state.exports` is there once it has started.
function importsFor(state, support) {
    const functions = { ...support };
    for (const kind of ['i32', 'i64', 'f32', 'f64', 'anyref', 'externref', 'funcref'])
        functions[`log-${kind}`] = (value) => { out.push(`log${print(kind, value)}`); };
    functions['log-v128'] ??= () => {};
    functions['call-export'] = (index) => {
        if (state.exports === undefined) return;
        const { name, kind, type } = state.types[(index >>> 0) % state.types.length];
        const args = kind === 'function' ? argumentsOf(type, 0) : undefined;
        if (args !== undefined) state.exports[name](...args);
    };
    const externs = new Proxy({}, { get: () => support.extern });
    return { 'fuzzing-support': functions, __fuzz_import: externs };
}

function run(path, supportModule) {
    out.push(`== ${path}`);
    const bytes = readFileSync(path);
    let module, instance;
    try { module = new WebAssembly.Module(bytes); } catch (error) { out.push(`not compiled: ${error.message}`); return; }
    const { exports: types, starts } = describe(bytes);
    const support = supportModule === null ? {} : new WebAssembly.Instance(supportModule).exports;
    const state = { types };
    const before = out.length;
    if (starts) out.push('start');
    try {
        instance = new WebAssembly.Instance(module, importsFor(state, support));
        if (starts) out.push('=');
    } catch (error) {
        // Of a module that starts, we are not told whether that or what comes before it failed.
        if (starts) out.push(failure(error)); else out.splice(before, out.length, `not instantiated: ${error.message}`);
        return;
    }
    state.exports = instance.exports;
    for (let round = 0; round < ROUNDS; round++)
        for (const { name, kind, type } of types) {
            const args = kind === 'function' ? argumentsOf(type, round) : undefined;
            if (args !== undefined && !call(name, instance.exports[name], args, type.results)) return;
        }
    printState(instance.exports, types);
}

const support = process.argv.length > 2 ? new WebAssembly.Module(readFileSync(process.argv[2])) : null;
for (const path of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
    run(path, support);
    process.stdout.write(out.join('\n') + '\n');
    out = [];
}
