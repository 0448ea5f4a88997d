#include "wire/delivery.h"

#include "base/assert.h"
#include "wire/delivery_batch.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void body_read(enum delivery_type type, struct str body)
{
    struct delivery_hello hello;
    struct delivery_welcome welcome;
    struct delivery_enrol enrol;
    struct delivery_enrolled enrolled;
    struct delivery_data data;
    struct delivery_time time;
    uint64_t sizes[2];
    uint16_t reason;
    struct str text;
    if (delivery_read_hello(body, &hello) == RC_OK)
        ASSERT(hello.host.n <= DELIVERY_TEXT_MAX);
    if (delivery_read_welcome(body, &welcome) == RC_OK)
        ASSERT(welcome.origin.n <= DELIVERY_TEXT_MAX && welcome.key.n <= DELIVERY_TEXT_MAX);
    if (delivery_read_enrol(body, &enrol) == RC_OK)
        ASSERT(enrol.secret.n == DELIVERY_SECRET_SIZE);
    if (delivery_read_enrolled(body, &enrolled) == RC_OK)
        ASSERT(enrolled.certificate.n < body.n);
    if (delivery_read_data(body, &data) == RC_OK)
        IGNORE(delivery_batch_check(data.payload, data.count)); /* must only not read past it */
    IGNORE(delivery_read_durable(body, &sizes[0], &sizes[1]));
    IGNORE(delivery_read_time(type, body, &time));
    IGNORE(delivery_read_refused(body, &reason, &text));
    if (delivery_read_sizes(body, &sizes[0], &sizes[1], &text) == RC_OK)
        ASSERT(text.n % 32 == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    enum delivery_type type;
    struct str body;
    for (int from_agent = 0; from_agent < 2; from_agent++) {
        struct str input = str_at(bytes, n);
        while (delivery_next(&input, from_agent, &type, &body) == RC_OK)
            body_read(type, body);
    }
    IGNORE(delivery_batch_check(str_at(bytes, n), 3));
    return 0;
}
