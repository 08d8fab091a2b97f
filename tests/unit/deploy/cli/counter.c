/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See counter.h. The socket listens before the process behind it is there, so nobody waits.
 */
#include "tests/unit/deploy/cli/counter.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "deploy/deploy.h"

/* ---- behind the counter ---------------------------------------------------------------------- */

/* Reads one request. False: it is too long, or none came. */
static bool counter_read(int fd, struct counter_request *request)
{
    static char text[COUNTER_TEXT_BYTES];
    size_t count = 0;
    size_t wanted = sizeof(text);
    char *end = NULL;
    while (end == NULL || count < wanted) {
        ssize_t got = recv(fd, text + count, sizeof(text) - 1 - count, 0);
        if (got <= 0)
            return false;
        count += (size_t)got;
        text[count] = '\0';
        end = strstr(text, "\r\n\r\n");
        const char *length = strcasestr(text, "\r\ncontent-length:");
        if (end != NULL)
            wanted = (size_t)(end + 4 - text) +
                     (length == NULL ? 0 : strtoul(strchr(length, ':') + 1, NULL, 10));
    }
    *end = '\0';
    (void)snprintf(request->body, sizeof(request->body), "%s", end + 4);
    (void)snprintf(request->head, sizeof(request->head), "%s", text);
    const char *version = strstr(text, " HTTP/");
    (void)snprintf(request->line, sizeof(request->line), "%.*s", (int)(version - text), text);
    return version != NULL;
}

static void counter_serve(int listener,
                          const struct counter_answer *answers,
                          size_t count,
                          struct counter *counter)
{
    for (size_t i = 0;;) {
        char head[128];
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        /* Who only looks whether somebody is there asks nothing. */
        bool asks = i < count && counter_read(fd, &counter->page->requests[counter->page->count]);
        if (asks)
            counter->page->count++;
        if (asks && answers[i].status != 0) {
            int bytes =
                snprintf(head, sizeof(head),
                         "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                         answers[i].status, strlen(answers[i].body));
            (void)!send(fd, head, (size_t)bytes, MSG_NOSIGNAL);
            (void)!send(fd, answers[i].body, strlen(answers[i].body), MSG_NOSIGNAL);
        }
        (void)close(fd);
        i += asks;
    }
}

/* ---- before it ------------------------------------------------------------------------------- */

static int counter_client(int argc, char **argv)
{
    int exit_status = 0;
    return deploy_cli_run(argc, argv, &exit_status) ? exit_status : 99;
}

int counter_setup(void **state)
{
    static struct counter counter;
    char url[128];
    counter = (struct counter){.folder = "/tmp/skerry-counter-XXXXXX"};
    assert_non_null(mkdtemp(counter.folder));
    (void)snprintf(counter.socket, sizeof(counter.socket), "%s/admin.sock", counter.folder);
    (void)snprintf(counter.module, sizeof(counter.module), "%s/hello.wasm", counter.folder);
    (void)snprintf(url, sizeof(url), "unix:%s", counter.socket);
    FILE *file = fopen(counter.module, "wbe");
    assert_true(file != NULL && fputs("module", file) >= 0 && fclose(file) == 0);
    counter.page = mmap(NULL, sizeof(*counter.page), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(counter.page != MAP_FAILED);
    assert_int_equal(setenv("SKERRY_URL", url, 1), 0);
    assert_int_equal(unsetenv("SKERRY_TENANT"), 0);
    assert_int_equal(unsetenv("SKERRY_TOKEN"), 0);
    *state = &counter;
    return 0;
}

int counter_teardown(void **state)
{
    struct counter *counter = *state;
    (void)unlink(counter->module);
    (void)unlink(counter->socket);
    (void)munmap(counter->page, sizeof(*counter->page));
    return rmdir(counter->folder);
}

void counter_run(struct counter *counter,
                 const struct counter_answer *answers,
                 size_t answer_count,
                 const char *const *words)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", counter->socket);
    memset(counter->page, 0, sizeof(*counter->page));
    (void)unlink(counter->socket);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0 && answer_count <= COUNTER_REQUESTS_MAX);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 4), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        counter_serve(listener, answers, answer_count, counter);
    assert_int_equal(close(listener), 0);
    capture_run(&counter->shown, counter_client, words);
    (void)kill(pid, SIGKILL); /* it may wait for a request that does not come */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

void counter_assert_asked(const struct counter *counter, uint32_t index, const char *line)
{
    assert_true(index < counter->page->count);
    assert_string_equal(counter->page->requests[index].line, line);
}
