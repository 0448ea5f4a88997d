/* common.h - what the measuring programs share. Errors end the program with their text. */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include "base/arena.h"
#include "base/err.h"
#include "rule/rule.h"

_Noreturn void bench_die(const char *what, const struct err *err);
/* Every .yml of the folder and those in it; not finished. */
void bench_rules_read(struct rules *rules, const char *folder, struct arena *arena);

#endif
