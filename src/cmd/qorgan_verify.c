/* qorgan-verify - checks, without a network and without the server, an exported proof or a whole archive. */
#include "cmd/qorgan_verify.h"

#include "base/arena.h"
#include "cmd/qorgan_verify_audit.h"
#include "os/file.h"

#include <stdio.h>
#include <string.h>

#define MEMORY_MAX ((size_t)1 << 30)

#ifndef QORGAN_VERSION
#define QORGAN_VERSION "unknown"
#endif

/* "--name value" or "--name=value"; false when `argument` is not this option or the value is missing. */
static bool option_value(const char *name, int argc, char **argv, int *at, const char **ret_value)
{
    struct str argument = str_of(argv[*at]);
    struct str option = str_of(name);
    if (str_eq(argument, option) && *at + 1 < argc) {
        *ret_value = argv[++*at];
        return true;
    }
    if (str_starts(argument, option) && argument.n > option.n && argument.p[option.n] == '=') {
        *ret_value = argv[*at] + option.n + 1;
        return true;
    }
    return false;
}

static bool parse_options(int argc, char **argv, struct verify_options *options)
{
    for (int at = 1; at < argc; at++) {
        if (option_value("--policy", argc, argv, &at, &options->policy) ||
            option_value("--vkey", argc, argv, &at, &options->vkey) ||
            option_value("--proof", argc, argv, &at, &options->proof) ||
            option_value("--leaf", argc, argv, &at, &options->leaf) ||
            option_value("--certificate", argc, argv, &at, &options->certificate) ||
            option_value("--export", argc, argv, &at, &options->export) ||
            option_value("--data", argc, argv, &at, &options->data) ||
            option_value("--master-key", argc, argv, &at, &options->master_key) ||
            option_value("--checkpoint", argc, argv, &at, &options->checkpoint) ||
            option_value("--stamp", argc, argv, &at, &options->stamp) ||
            option_value("--stamp-ca", argc, argv, &at, &options->stamp_ca))
            continue;
        if (strcmp(argv[at], "--json") != 0)
            return false;
        options->json = true;
    }
    bool one_key = (options->policy == NULL) != (options->vkey == NULL);
    if (options->master_key != NULL && options->data == NULL)
        return false;
    bool stamped = options->checkpoint != NULL || options->stamp != NULL || options->stamp_ca != NULL;
    if (options->certificate != NULL)
        return one_key && options->proof == NULL && options->leaf == NULL && options->export == NULL && !stamped;
    if (options->export != NULL)
        return one_key && options->data == NULL && options->leaf == NULL && !stamped;
    int what = (options->proof != NULL) + (options->data != NULL) + (options->checkpoint != NULL);
    return one_key && what == 1 && (options->leaf == NULL || options->proof != NULL) &&
           (options->stamp == NULL || (options->checkpoint != NULL && options->stamp_ca != NULL)) &&
           (options->stamp_ca == NULL || options->stamp != NULL || options->data != NULL);
}

int main(int argc, char **argv)
{
    struct verify_options options = {.language = text_language()};
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(text_of(options.language, TEXT_USAGE), stdout);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("qorgan-verify %s\n", QORGAN_VERSION);
        return 0;
    }
    if (!parse_options(argc, argv, &options)) {
        fputs(text_of(options.language, TEXT_USAGE), stderr);
        return VERIFY_USAGE;
    }
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(MEMORY_MAX);
    if (arena == NULL) {
        fprintf(stderr, "qorgan-verify: out of memory\n");
        return VERIFY_USAGE;
    }
    int status = options.certificate != NULL  ? verify_certificate(&options, arena)
                 : options.export != NULL     ? verify_export(&options, arena)
                 : options.data != NULL       ? verify_archive(&options, arena)
                 : options.checkpoint != NULL ? verify_checkpoint_file(&options, arena)
                                              : verify_proof_file(&options, arena);
    if (fflush(stdout) != 0) {
        fprintf(stderr, "qorgan-verify: could not write the result\n");
        return VERIFY_USAGE;
    }
    return status;
}
