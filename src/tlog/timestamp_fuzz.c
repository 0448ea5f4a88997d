/* RFC 3161 responses: nothing crashes, and nobody without the authority's key is believed. */
#include "tlog/timestamp.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A self-signed P-256 certificate whose key exists nowhere any more. */
static const char ca[] = "-----BEGIN CERTIFICATE-----\n"
                         "MIIBdTCCARugAwIBAgIUB0wvDQUYHA+FJDKYIBBkrarVPi0wCgYIKoZIzj0EAwIw\n"
                         "DzENMAsGA1UEAwwEZnV6ejAgFw0yNjExMjcxNzE0MzBaGA8yMTI2MTEwMzE3MTQz\n"
                         "MFowDzENMAsGA1UEAwwEZnV6ejBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABFho\n"
                         "j1fs4h90KsyWNehYCxfFHqB8+ybX3UxkxilA5oygperOsVlXeMe8BPDl/Cf7JLzd\n"
                         "i8yWvxH2SzhXXRrV9r2jUzBRMB0GA1UdDgQWBBRpLqaqoj7YB1zUGTBSxmWyGCdR\n"
                         "3TAfBgNVHSMEGDAWgBRpLqaqoj7YB1zUGTBSxmWyGCdR3TAPBgNVHRMBAf8EBTAD\n"
                         "AQH/MAoGCCqGSM49BAMCA0gAMEUCIHFlg+ddbAHNrnN45tJdVOkZ6FVyzLEA1tdt\n"
                         "sENtMr4uAiEA2k/DIEG7ff2jbUznrWUr1cscvGlvB6GHnj8+HRMNqLY=\n"
                         "-----END CERTIFICATE-----\n";

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct tlog_hash imprint = {{0}};
    int64_t time_s = 0;
    struct err err = {0};
    enum rc rc = timestamp_verify(str_at(bytes, size), &imprint, NULL, str_at(ca, sizeof ca - 1), &time_s, &err);
    ASSERT(rc != RC_OK && err.text[0] != '\0');
    return 0;
}
