/* metrics.h - "metrics.get": what waits and what is late, as numbers for programs that watch the service. */
#ifndef DESK_METRICS_H
#define DESK_METRICS_H

#include "desk/inside.h"

void ask_metrics_get(struct ask *ask);

#endif
