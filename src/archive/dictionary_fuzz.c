/* Dictionaries: a delta as it comes; what was taken must be the same again when it is written and read. */
#include "archive/dictionary.h"

#include "base/arena.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void again(const struct dictionary *first, struct names *names)
{
    struct dictionary *second = dictionary_new(names);
    struct buf out CLEANUP(buf_done) = {0};
    buf_init(&out, 2 * DICTIONARY_PLAIN_MAX);
    dictionary_write(first, &out);
    if (second && !out.overflow && dictionary_add(second, buf_view(&out), NULL) == RC_OK) {
        ASSERT(dictionary_forms(second) == dictionary_forms(first));
        ASSERT(dictionary_values(second) == dictionary_values(first));
        for (uint32_t i = 0; i < dictionary_forms(first); i++)
            ASSERT(str_eq(dictionary_form(second, i)->bytes, dictionary_form(first, i)->bytes));
        for (uint32_t i = 0; i < dictionary_values(first); i++)
            ASSERT(str_eq(dictionary_value(second, i), dictionary_value(first, i)));
    }
    dictionary_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct names *names = names_new(1);
    struct dictionary *dictionary = dictionary_new(names);
    if (names && dictionary && dictionary_add(dictionary, str_at(bytes, size), NULL) == RC_OK)
        again(dictionary, names);
    dictionary_free(dictionary);
    names_free(names);
    return 0;
}
