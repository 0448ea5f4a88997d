/* vault_source.h - the file of a ring that a token sealed, as text. Format: doc/format/sealed.md. */
#ifndef OS_VAULT_SOURCE_H
#define OS_VAULT_SOURCE_H

#include "base/str.h"
#include "os/token.h"
#include "os/vault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VAULT_SEALED_MAX (VAULT_RING_MAX + TOKEN_ROOM)

/* The bytes for token_open. False: no such text, or too long. */
bool vault_sealed_read(struct str text, uint8_t ret_sealed[VAULT_SEALED_MAX], size_t *ret_n) MUST_USE;

#endif
