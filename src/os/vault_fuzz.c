/* Rings of master keys, and the blobs in which files keep their keys. */
#include "os/vault.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char ring[] = "qorgan-master-key 1 25aac1b8a5f4a682 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
    struct str input = str_at(bytes, size);
    struct vault_place place = {.uuid = {1}, .kind = VAULT_SEGMENT, .first = 300};
    struct vault *vault = NULL;
    uint8_t key[CIPHER_KEY_SIZE];
    uint8_t blob[VAULT_BLOB_SIZE];
    char id[VAULT_ID_TEXT];
    bool changed;
    if (vault_new(input, &vault, NULL) == RC_OK)
        vault_id(vault, vault_count(vault) - 1, id);
    vault_free(vault);
    if (vault_new(str_of(ring), &vault, NULL) != RC_OK)
        __builtin_trap();
    IGNORE(vault_key_open(vault, &place, input, key, NULL));
    IGNORE(vault_key_rewrap(vault, &place, input, blob, &changed, NULL));
    IGNORE(vault_blob_id(input, id, NULL));
    IGNORE(vault_blob_cipher(input) == 0);
    vault_free(vault);
    return 0;
}
