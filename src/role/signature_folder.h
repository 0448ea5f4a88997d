/* signature_folder.h - under verifier: the certificates and lists that signatures are judged by, as the installation's
 * settings name them (signature-roots, -certificates, -lists, -responses): files, and folders whose files are read. */
#ifndef ROLE_SIGNATURE_FOLDER_H
#define ROLE_SIGNATURE_FOLDER_H

#include "base/arena.h"
#include "os/sandbox.h"
#include "role/config.h"
#include "signature/signature.h"

#include <stddef.h>

/* What of it was taken and what could not be: each such file is in the log, and is no reason to judge better. */
struct signature_folders {
    size_t taken;
    size_t refused;
};
/* Files are mapped until the process ends. */
void signature_folders_read(const struct config *config, struct signature_trust *trust,
                            struct signature_folders *ret_folders);
/* The paths that must be readable; returns how many were put into the array. */
size_t signature_folders_paths(const struct config *config, struct arena *arena, struct sandbox_path *ret, size_t size);

#endif
