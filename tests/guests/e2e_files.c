/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WAGI command with wasi-libc that does with files what its query says, one word after another:
 *
 *   cat:NAME ls:NAME stat:NAME write:NAME:TEXT mkdir:NAME rm:NAME seek:NAME:N fill:NAME
 *
 * and answers a line each: what it read, or the text of errno. With EARLY it reads greeting.txt in
 * skerry_init, so that its snapshot has it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char early[64] = "nothing";

#ifdef EARLY
__attribute__((export_name("skerry_init"))) void init(void);
void init(void)
{
    int fd = open("/greeting.txt", O_RDONLY);
    ssize_t count = fd < 0 ? -1 : read(fd, early, sizeof(early) - 1);
    early[count < 0 ? 0 : count] = '\0';
    close(fd);
}
#endif

static void fail(const char *what)
{
    printf("%s: %s\n", what, strerror(errno));
}

static void cat(const char *name, long offset)
{
    char piece[4096];
    int fd = open(name, O_RDONLY);
    if (fd < 0 || (offset != 0 && lseek(fd, offset, offset < 0 ? SEEK_END : SEEK_SET) < 0)) {
        fail(name);
        return;
    }
    for (ssize_t count; (count = read(fd, piece, sizeof(piece))) != 0;) {
        if (count < 0) {
            fail(name);
            break;
        }
        fwrite(piece, 1, (size_t)count, stdout);
    }
    printf("\n");
    close(fd);
}

static void list(const char *name)
{
    DIR *folder = opendir(name);
    if (folder == NULL) {
        fail(name);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        printf("%s%s ", entry->d_name, entry->d_type == DT_DIR ? "/" : "");
    printf("\n");
    closedir(folder);
}

static void show(const char *name)
{
    struct stat facts;
    if (stat(name, &facts) != 0)
        fail(name);
    else
        printf("%s %lld\n", S_ISDIR(facts.st_mode) ? "folder" : "file", (long long)facts.st_size);
}

static void put(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        fail(name);
    else
        printf("wrote %s\n", name);
    if (fd >= 0)
        close(fd);
}

static void fill(const char *name)
{
    static char piece[65536];
    long long sum = 0;
    int fd = open(name, O_WRONLY | O_CREAT, 0600);
    for (ssize_t count; fd >= 0 && (count = write(fd, piece, sizeof(piece))) > 0;)
        sum += count;
    fail(name);
    close(fd);
    fprintf(stderr, "filled %lld\n", sum);
}

static void act(char *word)
{
    char *name = strchr(word, ':');
    if (name == NULL)
        return;
    *name++ = '\0';
    char *more = strchr(name, ':');
    if (more != NULL)
        *more++ = '\0';
    if (strcmp(word, "cat") == 0)
        cat(name, more == NULL ? 0 : atol(more));
    else if (strcmp(word, "ls") == 0)
        list(name);
    else if (strcmp(word, "stat") == 0)
        show(name);
    else if (strcmp(word, "write") == 0)
        put(name, more == NULL ? "" : more);
    else if (strcmp(word, "fill") == 0)
        fill(name);
    else if (strcmp(word, "early") == 0)
        printf("%s\n", early);
    else if ((strcmp(word, "mkdir") == 0 && mkdir(name, 0700) != 0) ||
             (strcmp(word, "rm") == 0 && unlink(name) != 0))
        fail(name);
}

int main(int argc, char **argv)
{
    printf("content-type: text/plain\n\n");
    for (int i = 1; i < argc; i++)
        act(argv[i]);
    return 0;
}
