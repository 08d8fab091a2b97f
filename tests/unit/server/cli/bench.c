/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See bench.h.
 */
#include "tests/unit/server/cli/bench.h"

#include "engine/engine.h"
#include "tests/support/wasm_build.h"

static const char bench_script[] =
    "{\"commands\":["
    "{\"type\":\"module\",\"line\":1,\"filename\":\"x.wasm\"},"
    "{\"type\":\"assert_return\",\"line\":2,\"action\":{\"type\":\"invoke\",\"field\":\"one\","
    "\"args\":[]},\"expected\":[{\"type\":\"i32\",\"value\":\"1\"}]},"
    "{\"type\":\"assert_return\",\"line\":3,\"action\":{\"type\":\"invoke\",\"field\":\"one\","
    "\"args\":[]},\"expected\":[{\"type\":\"i32\",\"value\":\"2\"}]}]}";

static void bench_write(const char *path, const void *data, size_t count)
{
    FILE *file = fopen(path, "wbe");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

static void bench_export(struct buffer *wasm, const char *name, uint8_t kind, uint8_t index)
{
    wasm_name(wasm, name);
    WASM(wasm, kind, index);
}

static struct buffer bench_module(void)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 3, 0x60, 0, 1, ENGINE_I32, 0x60, 2, ENGINE_I32, ENGINE_I32, 1,
                 ENGINE_I32, 0x60, 0, 0);
    WASM_SECTION(&wasm, WASM_FUNC, 4, 0, 1, 2, 2);
    WASM_SECTION(&wasm, WASM_MEMORY, 1, 0, 1);
    size_t exports = wasm_open(&wasm, WASM_EXPORT);
    WASM(&wasm, 5);
    bench_export(&wasm, "one", ENGINE_EXTERN_FUNC, 0);
    bench_export(&wasm, "add", ENGINE_EXTERN_FUNC, 1);
    bench_export(&wasm, "boom", ENGINE_EXTERN_FUNC, 2);
    bench_export(&wasm, "spin", ENGINE_EXTERN_FUNC, 3);
    bench_export(&wasm, "mem", ENGINE_EXTERN_MEMORY, 0);
    wasm_close(&wasm, exports);
    WASM_SECTION(&wasm, WASM_CODE, 4, 4, 0, 0x41, 1, 0x0b, /* i32.const 1 */
                 7, 0, 0x20, 0, 0x20, 1, 0x6a, 0x0b,       /* i32.add of both */
                 3, 0, 0x00, 0x0b,                         /* unreachable */
                 7, 0, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b);   /* loop br 0 end */
    return wasm;
}

int bench_setup(void **state)
{
    static struct bench bench;
    bench = (struct bench){.folder = "/tmp/skerry-verb-XXXXXX"};
    assert_non_null(mkdtemp(bench.folder));
    (void)snprintf(bench.module, sizeof(bench.module), "%s/x.wasm", bench.folder);
    (void)snprintf(bench.broken, sizeof(bench.broken), "%s/broken.wasm", bench.folder);
    (void)snprintf(bench.absent, sizeof(bench.absent), "%s/absent.wasm", bench.folder);
    (void)snprintf(bench.script, sizeof(bench.script), "%s/x.json", bench.folder);
    struct buffer wasm = bench_module();
    bench_write(bench.module, wasm.data, wasm.count);
    bench_write(bench.broken, wasm.data, wasm.count - 3);
    bench_write(bench.script, bench_script, strlen(bench_script));
    buffer_done(&wasm);
    *state = &bench;
    return 0;
}

int bench_teardown(void **state)
{
    const struct bench *bench = *state;
    (void)unlink(bench->module);
    (void)unlink(bench->broken);
    (void)unlink(bench->script);
    return rmdir(bench->folder);
}
