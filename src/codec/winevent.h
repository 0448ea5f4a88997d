/* winevent.h - Windows events as XML (schema http://schemas.microsoft.com/win/2004/08/events/event), as Event Viewer,
 * wevtutil, Windows Event Forwarding, NXLog and Sysmon for Linux give them. Read by libxml2's SAX reader: no tree, no
 * DTD, no entities but the five of XML.
 *
 * Leaves have the paths that conversions of EVTX to JSON have, so that one table of names serves both:
 * "Event.System.EventID", "Event.System.Provider.#attributes.Name", "Event.EventData.Image" (from <Data Name="Image">),
 * "Event.EventData.Data" (without a name), "Event.UserData.Address" (the element below UserData has no part in it).
 * Empty elements give nothing, except below EventData and UserData, where they are values that are there and empty. */
#ifndef CODEC_WINEVENT_H
#define CODEC_WINEVENT_H

#include "codec/json.h"

#define WINEVENT_DEPTH_MAX  64u
#define WINEVENT_LEAVES_MAX JSON_LEAVES_MAX
#define WINEVENT_TEXT_MAX   (1u << 20) /* bytes of one value */

/* Whether the text may be such an event: <Event ...> or an XML declaration before it. */
bool winevent_begins(struct str text);
/* Where the next event begins in a text of several (a file of Event Viewer or wevtutil), and behind its end: text.n
 * when there is none, ret_end too when it is cut short. */
size_t winevent_find(struct str text, size_t *ret_end);
/* Gives every leaf, kind JSON_STRING, in source order; values in the arena. `text` is one event and valid UTF-8,
 * whatever encoding it declares. Leaves past the limits, and values that are too long, are counted in *ret_lost.
 * RC_INVALID: not well-formed, not an Event, or a document type; leaves already given are those before it. RC_LIMIT
 * without memory. */
enum rc winevent_flatten(struct arena *arena, struct str text, json_leaf leaf, void *context, uint32_t *ret_lost,
                         struct err *err) MUST_USE;

#endif
