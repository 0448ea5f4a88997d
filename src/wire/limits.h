/* limits.h - bounds of the delivery protocols, in one place. */
#ifndef WIRE_LIMITS_H
#define WIRE_LIMITS_H

#define WIRE_FRAME_MAX     (1u << 20) /* bytes of one record; longer ones are cut and the rest is counted */
#define WIRE_FRAME_MIN_MAX 64u        /* no frame limit may be smaller than this */
#define WIRE_COUNT_DIGITS  8u         /* digits of an octet count; a longer run of digits is not a count */
#define WIRE_DATAGRAM_MAX  65535u     /* bytes of a UDP datagram */

#endif
