/* parser_parts.h - what the pages of parsers share: lines with what took them, and where the nearest pattern stops. */
#ifndef WEB_PARSER_PARTS_H
#define WEB_PARSER_PARTS_H

#include "web/parts.h"

/* Tabs of the three pages. */
void parser_tabs(struct web_call *call, const char *here);
/* A line of query's answer "parse.lines". `pick`: with a box to choose it by. */
void parser_line(struct web_call *call, const struct json_value *line, bool pick);
/* The same, by what a draft makes of it. */
void parser_draft_line(struct web_call *call, const struct json_value *line);
/* "97.3 %" of two numbers; a dash of none. */
void parser_rate(struct web_call *call, int64_t parsed, int64_t records);
/* A source as it is called, else its number. */
struct str parser_source_name(const struct json_value *source);

#endif
