// SPDX-License-Identifier: Apache-2.0
// Binaryen's wasm-opt of npm, many times in one process: it is a WebAssembly program itself,
// and compiling that takes ten times as long as most of its work.
//
//   generate.mjs WASM-OPT < lines of JSON: the arguments of one run each
//
// Answers a line for each: "ok" or "failed". What -ttf makes, in the file behind -o, then exports
// all its tables, memories and globals. Each run has a memory of its own, so that the same
// arguments give the same module whatever was made before.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { compileFunction } from 'node:vm';
import { exportAll } from './module_bytes.mjs';

const tool = process.argv[2];
const program = compileFunction(readFileSync(tool, 'utf8').replace(/^#!.*/, ''),
    ['Module', 'require', 'module', 'exports', '__filename', '__dirname', 'process', 'WebAssembly'], { filename: tool });
const require = createRequire(tool);
let compiled = null;

// The program's own process: its arguments, and an exit that leaves ours alone.
function processFor(args) {
    return Object.create(process, {
        argv: { value: [process.argv[0], tool, ...args] },
        exitCode: { value: undefined, writable: true },
        on: { value() {} },
    });
}

function run(args) {
    return new Promise((done, fail) => {
        const own = processFor(args);
        const module = { postRun: () => done(own.exitCode === undefined || own.exitCode === 0), onAbort: fail };
        const library = Object.create(WebAssembly);
        if (compiled === null)
            library.instantiate = async (bytes, imports) => {
                compiled = new WebAssembly.Module(bytes);
                return { module: compiled, instance: new WebAssembly.Instance(compiled, imports) };
            };
        else
            module.instantiateWasm = (imports, ready) => ready(new WebAssembly.Instance(compiled, imports), compiled);
        program(module, require, {}, {}, tool, dirname(tool), own, library);
    });
}

process.on('unhandledRejection', () => process.exit(1));
for await (const line of createInterface({ input: process.stdin })) {
    const args = JSON.parse(line), output = args[args.indexOf('-o') + 1];
    rmSync(output, { force: true });
    const made = await run(args).catch(() => false) && existsSync(output);
    if (made && args.includes('-ttf')) writeFileSync(output, exportAll(readFileSync(output)));
    process.stdout.write(made ? 'ok\n' : 'failed\n');
}
