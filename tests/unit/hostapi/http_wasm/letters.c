/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest of letters and one request after the other.
 */
#include "tests/unit/hostapi/http_wasm/letters.h"

#include "hostapi/hostcalls.h"
#include "tests/support/unit.h"

struct fixture letters_fixture;
static struct bytes guest;

int letters_setup(void **state)
{
    (void)state;
    guest = fixture_guest("hostapi_rules");
    assert_int_equal(fixture_begin(&letters_fixture, guest, NULL), ENGINE_DONE);
    return 0;
}

int letters_teardown(void **state)
{
    (void)state;
    fixture_end(&letters_fixture);
    fixture_unload(guest);
    return 0;
}

void finish(const char *uri)
{
    fixture_next_exchange(&letters_fixture, "GET", uri);
    if (fixture_request(&letters_fixture) != HOSTAPI_FINISHED)
        fail_msg("%s: %s", uri, letters_fixture.report.text);
}

void fault(const char *uri, const char *reason)
{
    fixture_next_exchange(&letters_fixture, "GET", uri);
    assert_int_equal(fixture_request(&letters_fixture), HOSTAPI_FAULT);
    if (strstr(letters_fixture.report.text, reason) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", uri, letters_fixture.report.text, reason);
}

void trap(http_wasm_handler *handler, uint32_t a, uint32_t b, uint32_t c, const char *reason)
{
    union engine_value slots[9] = {{.bits = a}, {.bits = b}, {.bits = c}};
    struct engine_host_call call = {
        .instance = letters_fixture.instance, .context = letters_fixture.host, .slots = slots};
    enum engine_outcome outcome = handler(hostcalls_enter(&call, HOSTAPI_KIND_HTTP_WASM, 0), &call);
    assert_int_equal(outcome, ENGINE_TRAPPED);
    struct engine_trap_info info = engine_machine_trap(letters_fixture.machine);
    if (strstr(info.text, reason) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", info.text, reason);
}
