/* gen_windows.h - the kinds of events that gen_windows.c makes. In a text ^ is CR LF, ~ a tab, ` a backslash, ' a
 * quote. */
#ifndef BENCH_GEN_WINDOWS_H
#define BENCH_GEN_WINDOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gen_windows_kind {
    uint32_t weight;  /* how often a burst of it begins */
    uint32_t length;  /* events of a burst, on average */
    uint32_t channel; /* Sysmon, Security, PowerShell: each counts its own records */
    bool walks;       /* through keys or modules in order */
    bool of_module;   /* tells of a module, not of the process's own binary */
    const char *text;
};

extern const struct gen_windows_kind gen_windows_kinds[];
extern const size_t gen_windows_kind_count;

#endif
