/* wsman_write.c - the collector's answers. */
#include "wire/wsman.h"

#define SOAP      "http://www.w3.org/2003/05/soap-envelope"
#define ADDRESS   "http://schemas.xmlsoap.org/ws/2004/08/addressing"
#define EVENTING  "http://schemas.xmlsoap.org/ws/2004/08/eventing"
#define ENUMERATE "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
#define WSMAN     "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
#define MICROSOFT "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
#define ANONYMOUS ADDRESS "/role/anonymous"
#define MUTUAL    "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
#define NAMES                                                                                                          \
    " xmlns:s=\"" SOAP "\" xmlns:a=\"" ADDRESS "\" xmlns:e=\"" EVENTING "\" xmlns:n=\"" ENUMERATE                      \
    "\" xmlns:w=\"" WSMAN "\" xmlns:p=\"" MICROSOFT "\""

/* So that it reads back the same, as an element's text or as an attribute's value. */
static void xml_put(struct buf *out, struct str text)
{
    size_t from = 0;
    for (size_t i = 0; i < text.n; i++) {
        const char *entity = text.p[i] == '&'                       ? "&amp;"
                             : text.p[i] == '<'                     ? "&lt;"
                             : text.p[i] == '>'                     ? "&gt;"
                             : text.p[i] == '"'                     ? "&quot;"
                             : text.p[i] >= '\0' && text.p[i] < ' ' ? " "
                                                                    : NULL;
        if (!entity)
            continue;
        buf_str(out, str_slice(text, from, i));
        buf_text(out, entity);
        from = i + 1;
    }
    buf_str(out, str_skip(text, from));
}

/* Begins the envelope, up to the body. An operation's id comes back: the client pairs by it as well. */
static void head_put(struct buf *out, const char *action, const struct wsman_message *message, const char *id)
{
    buf_format(out, "<s:Envelope xml:lang=\"en-US\"" NAMES "><s:Header><a:Action>%s</a:Action>", action);
    buf_format(out, "<a:MessageID>uuid:%s</a:MessageID><a:To>" ANONYMOUS "</a:To>", id);
    if (message->operation_id.n) {
        buf_text(out, "<p:OperationID s:mustUnderstand=\"false\">");
        xml_put(out, message->operation_id);
        buf_text(out, "</p:OperationID><p:SequenceId>1</p:SequenceId>");
    }
    if (message->message_id.n) {
        buf_text(out, "<a:RelatesTo>");
        xml_put(out, message->message_id);
        buf_text(out, "</a:RelatesTo>");
    }
    buf_text(out, "</s:Header>");
}

void wsman_write_ack(struct buf *out, const struct wsman_message *message, const char *id)
{
    head_put(out, "http://schemas.dmtf.org/wbem/wsman/1/wsman/Ack", message, id);
    buf_text(out, "<s:Body></s:Body></s:Envelope>");
}

void wsman_write_fault(struct buf *out, const struct wsman_message *message, const char *id, bool ours,
                       const char *reason)
{
    head_put(out, "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault", message, id);
    buf_format(out, "<s:Body><s:Fault><s:Code><s:Value>s:%s</s:Value></s:Code><s:Reason><s:Text xml:lang=\"en-US\">",
               ours ? "Receiver" : "Sender");
    xml_put(out, str_of(reason));
    buf_text(out, "</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>");
}

void wsman_enumeration_begin(struct buf *out, const struct wsman_message *message, const char *id)
{
    head_put(out, ENUMERATE "/EnumerateResponse", message, id);
    buf_text(out, "<s:Body><n:EnumerateResponse><n:EnumerationContext></n:EnumerationContext><w:Items>");
}

void wsman_enumeration_end(struct buf *out)
{
    buf_text(out, "</w:Items><w:EndOfSequence/></n:EnumerateResponse></s:Body></s:Envelope>");
}

/* ---- one subscription ---- */

static void endpoint_put(struct buf *out, const struct wef_subscription *subscription, const struct wsman_offer *offer)
{
    buf_text(out, "<a:Address>https://");
    xml_put(out, offer->host);
    buf_format(out,
               "/wsman/subscriptions/%s</a:Address><a:ReferenceProperties><e:Identifier>%s</e:Identifier>"
               "</a:ReferenceProperties>",
               subscription->id, subscription->id);
}

/* How the client has to show who it is: with the certificate that this authority issued. */
static void policy_put(struct buf *out, const struct wsman_offer *offer)
{
    buf_text(out, "<c:Policy xmlns:c=\"http://schemas.xmlsoap.org/ws/2002/12/policy\" "
                  "xmlns:auth=\"http://schemas.microsoft.com/wbem/wsman/1/authentication\"><c:ExactlyOne><c:All>"
                  "<auth:Authentication Profile=\"" MUTUAL "\"><auth:ClientCertificate><auth:Thumbprint "
                  "Role=\"issuer\">");
    xml_put(out, offer->issuer);
    buf_text(out,
             "</auth:Thumbprint></auth:ClientCertificate></auth:Authentication></c:All></c:ExactlyOne></c:Policy>");
}

static void options_put(struct buf *out, const struct wef_subscription *subscription)
{
    buf_text(out, "<w:OptionSet xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">"
                  "<w:Option Name=\"SubscriptionName\">");
    xml_put(out, subscription->name);
    buf_format(out,
               "</w:Option><w:Option Name=\"Compression\">SLDC</w:Option><w:Option Name=\"CDATA\" xsi:nil=\"true\"/>"
               "<w:Option Name=\"ContentFormat\">%s</w:Option><w:Option Name=\"IgnoreChannelError\" xsi:nil=\"true\"/>",
               subscription->rendered ? "RenderedText" : "Raw");
    if (subscription->existing)
        buf_text(out, "<w:Option Name=\"ReadExistingEvents\" xsi:nil=\"true\"/>");
    buf_text(out, "</w:OptionSet>");
}

/* None known: from the earliest event on, or from now on. */
static void bookmark_put(struct buf *out, const struct wef_subscription *subscription,
                         const struct wsman_bookmark *bookmarks)
{
    bool known = false;
    for (size_t i = 0; i < subscription->channel_count; i++)
        known = known || bookmarks[i].record;
    if (!known && subscription->existing)
        buf_text(out, "<w:Bookmark>http://schemas.dmtf.org/wbem/wsman/1/wsman/bookmark/earliest</w:Bookmark>");
    if (!known)
        return;
    buf_text(out, "<w:Bookmark><BookmarkList>");
    for (size_t i = 0; i < subscription->channel_count; i++) {
        if (!bookmarks[i].record)
            continue;
        buf_text(out, "<Bookmark Channel=\"");
        xml_put(out, bookmarks[i].channel);
        buf_format(out, "\" RecordId=\"%llu\"%s/>", (unsigned long long)bookmarks[i].record,
                   bookmarks[i].newest ? " IsCurrent=\"true\"" : "");
    }
    buf_text(out, "</BookmarkList></w:Bookmark>");
}

static void delivery_put(struct buf *out, const struct wef_subscription *subscription, const struct wsman_offer *offer)
{
    buf_format(out,
               "<e:Delivery Mode=\"http://schemas.dmtf.org/wbem/wsman/1/wsman/Events\">"
               "<w:Heartbeats>PT%lld.000S</w:Heartbeats><e:NotifyTo>",
               (long long)subscription->heartbeat_s);
    endpoint_put(out, subscription, offer);
    policy_put(out, offer);
    buf_format(
        out,
        "</e:NotifyTo><w:ConnectionRetry Total=\"5\">PT60.0S</w:ConnectionRetry><w:MaxTime>PT%lld.000S</w:MaxTime>"
        "<w:MaxEnvelopeSize Policy=\"Notify\">%u</w:MaxEnvelopeSize>"
        "<w:Locale xml:lang=\"en-US\" s:mustUnderstand=\"false\"/>"
        "<p:DataLocale xml:lang=\"en-US\" s:mustUnderstand=\"false\"/>"
        "<w:ContentEncoding>UTF-16</w:ContentEncoding></e:Delivery>",
        (long long)subscription->latency_s, WSMAN_ENVELOPE);
}

void wsman_enumeration_put(struct buf *out, const struct wef_subscription *subscription,
                           const struct wsman_offer *offer, const struct wsman_bookmark *bookmarks)
{
    buf_format(out,
               "<m:Subscription xmlns:m=\"http://schemas.microsoft.com/wbem/wsman/1/subscription\">"
               "<m:Version>uuid:%s</m:Version><s:Envelope" NAMES "><s:Header><a:To>" ANONYMOUS "</a:To>"
               "<w:ResourceURI s:mustUnderstand=\"true\">http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog"
               "</w:ResourceURI><a:ReplyTo><a:Address s:mustUnderstand=\"true\">" ANONYMOUS "</a:Address></a:ReplyTo>"
               "<a:Action s:mustUnderstand=\"true\">" EVENTING "/Subscribe</a:Action>"
               "<w:MaxEnvelopeSize s:mustUnderstand=\"true\">%u</w:MaxEnvelopeSize>",
               subscription->version, WSMAN_ENVELOPE);
    buf_format(out,
               "<a:MessageID>uuid:%s</a:MessageID><w:Locale xml:lang=\"en-US\" s:mustUnderstand=\"false\"/>"
               "<p:DataLocale xml:lang=\"en-US\" s:mustUnderstand=\"false\"/>"
               "<p:OperationID s:mustUnderstand=\"false\">uuid:%s</p:OperationID>"
               "<p:SequenceId s:mustUnderstand=\"false\">1</p:SequenceId>",
               offer->id, offer->id);
    options_put(out, subscription);
    buf_text(out, "</s:Header><s:Body><e:Subscribe><e:EndTo>");
    endpoint_put(out, subscription, offer);
    buf_text(out, "</e:EndTo>");
    delivery_put(out, subscription, offer);
    buf_text(out, "<w:Filter Dialect=\"http://schemas.microsoft.com/win/2004/08/events/eventquery\">");
    buf_str(out, subscription->query); /* XML, read when the file was */
    buf_text(out, "</w:Filter>");
    bookmark_put(out, subscription, bookmarks);
    buf_text(out, "<w:SendBookmarks/></e:Subscribe></s:Body></s:Envelope></m:Subscription>");
}
