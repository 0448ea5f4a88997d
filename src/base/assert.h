/* assert.h - a bug stops the process, in release too; the parent restarts it.
 * Never use it on input: input that is wrong is refused, not asserted. */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

#define ASSERT(condition) ((condition) ? (void)0 : assert_failed(#condition, __FILE__, __LINE__))

/* Prints the condition and its place to standard error and aborts. */
_Noreturn void assert_failed(const char *condition, const char *file, int line);

#endif
