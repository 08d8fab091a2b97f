// SPDX-License-Identifier: Apache-2.0
// What JavaScript does not tell of a module, read from its bytes, for both halves of the
// differential test: the types of functions, how much of everything there is, and a copy of
// the module that exports all of it.

const NUMBERS = { 0x7f: 'i32', 0x7e: 'i64', 0x7d: 'f32', 0x7c: 'f64', 0x7b: 'v128' };
const KINDS = ['function', 'table', 'memory', 'global', 'tag'];
const EXPORTS = 7;
const TYPES_FUNC = 0x60, TYPES_STRUCT = 0x5f, TYPES_ARRAY = 0x5e;

class Reader {
    constructor(bytes) { this.bytes = bytes; this.at = 8; }
    byte() { return this.bytes[this.at++]; }
    // Also what is signed: nobody here asks for the value of a negative number.
    leb() {
        let value = 0, scale = 1, byte;
        do { byte = this.byte(); value += (byte & 127) * scale; scale *= 128; } while (byte & 128);
        return value;
    }
    vector(read) { return Array.from({ length: this.leb() }, () => read()); }
    name() { const count = this.leb(); this.at += count; return new TextDecoder().decode(this.bytes.subarray(this.at - count, this.at)); }
    // { kind: 'i32' ... or 'ref'; heap: the byte of an abstract heap type, else null; nullable }
    valueType() {
        const byte = this.byte();
        if (byte in NUMBERS) return { kind: NUMBERS[byte] };
        if (byte !== 0x63 && byte !== 0x64) return { kind: 'ref', heap: byte, nullable: true };
        const isAbstract = (this.bytes[this.at] & 0xc0) === 0x40;
        const heap = this.leb();
        return { kind: 'ref', heap: isAbstract ? heap : null, nullable: byte === 0x63 };
    }
    field() {
        if (this.bytes[this.at] === 0x78 || this.bytes[this.at] === 0x77) this.at++; else this.valueType();
        this.at++;
    }
    limits() {
        const flags = this.byte();
        this.leb();
        if (flags & 1) this.leb();
    }
    // Appends the type or the types of one recursion group.
    group(types) {
        let count = 1;
        if (this.bytes[this.at] === 0x4e) { this.at++; count = this.leb(); }
        for (; count > 0; count--) types.push(this.type());
    }
    type() {
        let form = this.byte();
        if (form === 0x50 || form === 0x4f) { this.vector(() => this.leb()); form = this.byte(); }
        switch (form) {
        case TYPES_FUNC: return { params: this.vector(() => this.valueType()), results: this.vector(() => this.valueType()) };
        case TYPES_STRUCT: this.vector(() => this.field()); return null;
        case TYPES_ARRAY: this.field(); return null;
        default: throw new Error(`type of form ${form} at ${this.at}`);
        }
    }
    // Goes over a constant expression, its end included.
    constant() {
        for (;;) {
            const code = this.byte();
            switch (code) {
            case 0x0b: return;
            case 0x43: this.at += 4; break;
            case 0x44: this.at += 8; break;
            case 0x23: case 0x41: case 0x42: case 0xd0: case 0xd2: this.leb(); break;
            case 0xfd: this.at += 17; break; // v128.const
            case 0xfb: this.object(this.leb()); break;
            default: if (code < 0x6a || code > 0x7e) throw new Error(`constant of ${code} at ${this.at}`);
            }
        }
    }
    object(code) {
        if (code > 8) return; // conversions and ref.i31
        this.leb();
        if (code === 8) this.leb();
    }
}

// { counts of each kind in KINDS's order, exports (of functions and globals with type), where the
// section of exports is, does the module start by itself }
export function describe(bytes) {
    const reader = new Reader(bytes), types = [], funcs = [], globals = [], counts = [0, 0, 0, 0, 0];
    let exports = [], exportSection = null, starts = false;
    const imported = () => {
        reader.name(); reader.name();
        const kind = reader.byte();
        counts[kind]++;
        switch (kind) {
        case 0: funcs.push(types[reader.leb()]); break;
        case 1: reader.valueType(); reader.limits(); break;
        case 2: reader.limits(); break;
        case 3: globals.push(reader.valueType()); reader.at++; break;
        default: reader.at++; reader.leb();
        }
    };
    while (reader.at < bytes.length) {
        const start = reader.at, id = reader.byte(), count = reader.leb(), body = reader.at, end = body + count;
        const items = () => reader.leb();
        switch (id) {
        case 1: for (let n = items(); n > 0; n--) reader.group(types); break;
        case 2: for (let n = items(); n > 0; n--) imported(); break;
        case 3: for (let n = items(); n > 0; n--) { counts[0]++; funcs.push(types[reader.leb()]); } break;
        case 4: counts[1] += items(); break;
        case 5: counts[2] += items(); break;
        case 6: for (let n = items(); n > 0; n--) { counts[3]++; globals.push(reader.valueType()); reader.at++; reader.constant(); } break;
        case 8: starts = true; break;
        case 13: counts[4] += items(); break;
        case EXPORTS:
            exportSection = { start, end };
            exports = reader.vector(() => ({ name: reader.name(), kind: KINDS[reader.byte()], index: reader.leb() }));
            break;
        }
        reader.at = end;
    }
    const typed = { function: funcs, global: globals };
    for (const one of exports)
        if (one.kind in typed) one.type = typed[one.kind][one.index];
    return { counts, exports, exportSection, starts };
}

function leb(value) {
    const bytes = [];
    for (; value > 127; value >>>= 7) bytes.push(value & 127 | 128);
    return [...bytes, value];
}

// The module, if it has exports, with all tables, memories and globals exported besides.
export function exportAll(bytes) {
    const { counts, exports, exportSection } = describe(bytes);
    if (exportSection === null) return bytes;
    const all = exports.map(({ name, kind, index }) => ({ name, kind: KINDS.indexOf(kind), index }));
    for (const kind of [1, 2, 3])
        for (let index = 0; index < counts[kind]; index++)
            all.push({ name: `all ${KINDS[kind]} ${index}`, kind, index });
    const body = [...leb(all.length)];
    for (const { name, kind, index } of all) {
        const text = new TextEncoder().encode(name);
        body.push(...leb(text.length), ...text, kind, ...leb(index));
    }
    return Buffer.concat([bytes.subarray(0, exportSection.start), Buffer.from([EXPORTS, ...leb(body.length), ...body]),
        bytes.subarray(exportSection.end)]);
}
