#include "bench/common.h"

#include "base/str.h"
#include "os/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PATH_BYTES 4096

void bench_die(const char *what, const struct err *err)
{
    fprintf(stderr, "bench: %s: %s\n", what, err->text);
    exit(1);
}

void bench_rules_read(struct rules *rules, const char *folder, struct arena *arena)
{
    struct dirent **names = NULL;
    struct err err;
    int count = scandir(folder, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char path[PATH_BYTES];
        struct stat status;
        struct str name = str_of(names[i]->d_name);
        int length = snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
        free(names[i]);
        if (name.p == NULL || name.p[0] == '.' || length >= (int)sizeof(path) || stat(path, &status) != 0)
            continue;
        struct str whole = str_of(path);
        if (S_ISDIR(status.st_mode)) {
            bench_rules_read(rules, path, arena);
        } else if (str_ends(whole, STR(".yml")) || str_ends(whole, STR(".yaml"))) {
            struct str text = STR_NONE;
            if (file_load_path(path, RULE_FILE_MAX, arena, &text, &err) != RC_OK ||
                rules_add(rules, arena_str(arena, whole), text, &err) != RC_OK)
                bench_die("rules", &err);
        }
    }
    free(names);
}
