/* fake.h - a desk and a query of tests: a table of answers, one a question. Not linked into the product. */
#ifndef WEB_FAKE_H
#define WEB_FAKE_H

#include "base/str.h"
#include "web/web.h"

#define FAKE_TOKEN "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define FAKE_CSRF  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define FAKE_EVIL  "\\\"><script>evil()</script>'&<img src=x onerror=evil()>\\u0000\\u202e\\u001b[31m"

struct fake_answer {
    const char *ask;
    const char *json;
};

/* Good answers to every question of doc/api.md; ends with {NULL, NULL}. In each of them "EVIL" stands where a hostile
 * text fits. */
static const struct fake_answer fake_answers[] = {
    {"session.open",
     "{\"ok\":true,\"token\":\"" FAKE_TOKEN "\",\"user\":\"ann\",\"role\":\"analyst\",\"language\":\"en\","
     "\"must_change\":false}"},
    {"session.check", "{\"ok\":true,\"user\":\"ann EVIL\",\"role\":\"administrator\",\"language\":\"en\","
                      "\"must_change\":false,\"csrf\":\"" FAKE_CSRF "\"}"},
    {"session.close", "{\"ok\":true}"},
    {"session.code",
     "{\"ok\":true,\"token\":\"" FAKE_TOKEN "\",\"user\":\"ann\",\"role\":\"analyst\",\"language\":\"en\","
     "\"must_change\":false}"},
    {"factor.get",
     "{\"ok\":true,\"since_ns\":1795219893000000000,\"waits\":true,\"codes\":2,\"required\":false,"
     "\"reset_ns\":1795219893000000000,\"reset_by\":\"EVIL\",\"reset_why\":\"EVIL\",\"history\":[{\"time_ns\":"
     "1795219893000000000,\"who\":\"EVIL\",\"what\":\"EVIL\",\"detail\":\"EVIL\",\"record\":7}]}"},
    {"factor.begin", "{\"ok\":true,\"secret\":\"GEZDGNBVGY3TQOJQ EVIL\",\"until_ns\":1795219893000000000}"},
    {"factor.confirm", "{\"ok\":true,\"recovery\":[\"ABCD EFGH IJKL MNOP\",\"EVIL\"]}"},
    {"factor.codes", "{\"ok\":true,\"recovery\":[\"ABCD EFGH IJKL MNOP\",\"EVIL\"]}"},
    {"factor.off", "{\"ok\":true}"},
    {"factor.seen", "{\"ok\":true}"},
    {"factor.policy", "{\"ok\":true}"},
    {"factor.reset", "{\"ok\":true}"},
    {"password.change", "{\"ok\":true}"},
    {"language.set", "{\"ok\":true}"},
    {"object.list",
     "{\"ok\":true,\"objects\":[{\"id\":1,\"name\":\"portal EVIL\",\"class\":1,\"contour\":\"EVIL\","
     "\"owner\":\"EVIL\",\"version\":7,\"industrial_day\":\"EVIL\",\"next\":{\"clock\":\"EVIL\",\"due_ns\":"
     "1795219893000000000},\"zone_offset_s\":21600,\"keep_days\":1500,\"critical\":true,\"contacts\":[{\"name\":"
     "\"EVIL\","
     "\"email\":"
     "\"EVIL\","
     "\"phone\":\"EVIL\"}],\"assets\":[{\"kind\":\"host\",\"pattern\":\"</textarea>EVIL\"}],\"open_incidents\":3}]}"},
    {"clock.list",
     "{\"ok\":true,\"counts_max\":100,\"counts\":{\"standing\":7,\"overdue\":3,\"running\":4,\"met\":101,\"late\":2,"
     "\"cancelled\":0},\"terms\":[{\"id\":9,\"subject\":\"findings\",\"item\":3,\"object_id\":1,\"clock\":\"EVIL\","
     "\"trigger_ns\":1795219893000000000,\"due_ns\":1795219893000000001,\"state\":\"EVIL\",\"met_ns\":0,"
     "\"explanation\":{\"kk\":\"EVIL\",\"ru\":\"EVIL\",\"en\":\"EVIL\"},\"edition\":\"EVIL\",\"act\":\"EVIL\","
     "\"paragraph\":{\"kk\":\"EVIL\",\"ru\":\"EVIL\",\"en\":\"EVIL\"},\"from\":\"EVIL\",\"to\":\"EVIL\","
     "\"deliverable\":\"EVIL\",\"number\":\"F-3 EVIL\",\"title\":\"EVIL\",\"object\":\"EVIL\","
     "\"zone_offset_s\":21600}],\"more\":true}"},
    {"clock.rules",
     "{\"ok\":true,\"rules\":[{\"clock\":\"M-18\",\"edition\":\"EVIL\",\"group\":\"EVIL\",\"unit\":\"calendar_day\","
     "\"amount\":20,\"before\":false,\"computable\":true,\"act\":\"EVIL\",\"paragraph\":{\"kk\":\"EVIL\","
     "\"ru\":\"EVIL\",\"en\":\"EVIL\"},\"from\":\"EVIL\",\"to\":\"EVIL\",\"deliverable\":\"EVIL\"},"
     "{\"clock\":\"M-12 EVIL\",\"computable\":false}]}"},
    {"clock.try", "{\"ok\":true,\"clock\":\"EVIL\",\"edition\":\"EVIL\",\"trigger_ns\":1795219893000000000,"
                  "\"due_ns\":1795219893000000000,\"uncovered\":true,\"explanation\":{\"kk\":\"EVIL\",\"ru\":\"EVIL\","
                  "\"en\":\"EVIL\"},\"act\":\"EVIL\",\"paragraph\":{\"kk\":\"EVIL\",\"ru\":\"EVIL\",\"en\":\"EVIL\"},"
                  "\"from\":\"EVIL\",\"to\":\"EVIL\",\"deliverable\":\"EVIL\"}"},
    {"vulnerability.list",
     "{\"ok\":true,\"may_change\":true,\"total\":250,\"totals\":[{\"state\":\"open\",\"severity\":\"high\","
     "\"count\":7},{\"state\":\"EVIL\",\"severity\":\"EVIL\",\"count\":1}],\"vulnerabilities\":[{\"id\":4,"
     "\"number\":\"V-000004 EVIL\",\"object_id\":1,\"object\":\"EVIL\",\"state\":\"EVIL\",\"severity\":\"EVIL\","
     "\"title\":\"EVIL\",\"scanner\":\"EVIL\",\"address\":\"EVIL\",\"host\":\"EVIL\",\"port\":22,"
     "\"protocol\":\"EVIL\",\"component\":\"EVIL\",\"cves\":\"EVIL\",\"score\":75,"
     "\"found_ns\":1795219893000000000,\"seen_ns\":1795219893000000000,\"times\":2,\"returned\":1}]}"},
    {"vulnerability.get",
     "{\"ok\":true,\"vulnerability\":{\"id\":4,\"number\":\"V-000004 EVIL\",\"object_id\":1,\"object\":\"EVIL\","
     "\"state\":\"open\",\"severity\":\"high\",\"title\":\"EVIL\",\"scanner\":\"EVIL\",\"address\":\"EVIL\","
     "\"host\":\"EVIL\",\"port\":22,\"protocol\":\"EVIL\",\"component\":\"EVIL\",\"cves\":\"EVIL\",\"score\":0,"
     "\"found_ns\":1795219893000000000,\"seen_ns\":1795219893000000000,\"times\":2,\"returned\":1,"
     "\"category\":\"EVIL\",\"until_ns\":1795219893000000000,\"findings\":3,\"check\":\"EVIL\",\"place\":\"EVIL\","
     "\"description\":\"</pre>EVIL\",\"solution\":\"EVIL\",\"evidence\":\"EVIL\",\"justification\":\"EVIL\","
     "\"fixed_ns\":0,\"closed_ns\":0,\"findings_number\":\"EVIL\",\"origin\":\"EVIL\","
     "\"necessity_end_ns\":1810857600000000000,\"acts\":[\"fix\",\"keep\",\"reopen\"],\"clocks\":[],\"history\":[{"
     "\"time_ns\":1795219893000000000,\"who\":\"EVIL\",\"what\":\"EVIL\",\"detail\":\"EVIL\",\"record\":5}],"
     "\"outbox\":[]}}"},
    {"vulnerability.act", "{\"ok\":true,\"changed\":1}"},
    {"findings.list",
     "{\"ok\":true,\"total\":120,\"may_change\":true,\"findings\":[{\"id\":3,\"number\":\"EVIL\",\"object_id\":1,"
     "\"object\":\"EVIL\",\"origin\":\"EVIL\",\"control\":false,\"title\":\"EVIL\",\"format\":\"EVIL\","
     "\"scanner\":\"EVIL\",\"sha256\":\"EVIL\",\"who\":\"EVIL\",\"received_ns\":1795219893000000000,"
     "\"made_ns\":1795219893000000000,\"ended_ns\":1795219893000000000,\"informed_ns\":0,\"fresh\":2,\"known\":1,"
     "\"returned\":0,\"closed\":0,\"summary\":\"EVIL\",\"open\":2,\"next\":{\"clock\":\"M-18\","
     "\"due_ns\":1795306293000000000,\"started_ns\":1,\"overdue\":false}}]}"},
    {"findings.get",
     "{\"ok\":true,\"may_change\":true,\"report\":{\"id\":3,\"number\":\"EVIL\",\"object_id\":1,\"object\":\"EVIL\","
     "\"origin\":\"survey\",\"control\":false,\"title\":\"EVIL\",\"format\":\"EVIL\",\"scanner\":\"EVIL\","
     "\"sha256\":\"EVIL\",\"who\":\"EVIL\",\"received_ns\":1795219893000000000,\"made_ns\":1795219893000000000,"
     "\"ended_ns\":1795219893000000000,\"informed_ns\":0,\"fresh\":2,\"known\":1,\"returned\":0,\"closed\":0,"
     "\"summary\":\"EVIL\",\"open\":2,\"next\":null,\"clocks\":[],\"history\":[],\"outbox\":[]}}"},
    {"findings.begin", "{\"ok\":true,\"id\":3,\"number\":\"F-000003\"}"},
    {"findings.add", "{\"ok\":true,\"fresh\":1,\"known\":0,\"returned\":0}"},
    {"findings.end", "{\"ok\":true,\"more\":false}"},
    {"findings.inform", "{\"ok\":true}"},
    {"findings.note", "{\"ok\":true,\"id\":3,\"number\":\"F-000003\"}"},
    {"survey.list",
     "{\"ok\":true,\"total\":250,\"may_change\":true,\"kinds\":[{\"kind\":\"pentest\",\"clock\":\"EVIL\",\"docu"
     "ments\":false,\"main\":4,\"control\":4,\"days\":5,\"after\":25,\"paragraph\":{\"kk\":\"EVIL\",\"ru\":\"EV"
     "IL\",\"en\":\"EVIL\"},\"name\":{\"kk\":\"EVIL\",\"ru\":\"EVIL\",\"en\":\"Mode EVIL\"}}],\"surveys\":[{\"i"
     "d\":5,\"number\":\"S-000005 EVIL\",\"object_id\":1,\"object\":\"EVIL\",\"kind\":\"pentest\",\"control\":f"
     "alse,\"main\":0,\"main_number\":\"EVIL\",\"control_id\":0,\"control_number\":\"EVIL\",\"year\":2027,\"fir"
     "st_day\":\"2027-02-01\",\"last_day\":\"2027-02-05\",\"state\":\"planned\",\"version\":3,\"responsible\":"
     "\"EVIL\",\"notes\":\"</textarea>EVIL\",\"agreed_ns\":1795219893000000000,\"agreed_by\":\"EVIL\",\"referen"
     "ce\":\"EVIL\",\"started_ns\":1795219893000000000,\"finished_ns\":0,\"sent_ns\":0,\"findings\":3,\"finding"
     "s_number\":\"EVIL\",\"put_off\":2},{\"id\":6,\"number\":\"EVIL\",\"object_id\":1,\"object\":\"EVIL\",\"ki"
     "nd\":\"EVIL\",\"control\":true,\"main\":5,\"main_number\":\"EVIL\",\"first_day\":\"EVIL\",\"last_day\":\""
     "EVIL\",\"state\":\"EVIL\",\"version\":1,\"responsible\":\"EVIL\"}]}"},
    {"survey.get",
     "{\"ok\":true,\"may_change\":true,\"kinds\":[{\"kind\":\"pentest\",\"clock\":\"EVIL\",\"documents\":false,"
     "\"main\":4,\"control\":4,\"days\":5,\"after\":25,\"paragraph\":{\"kk\":\"EVIL\",\"ru\":\"EVIL\",\"en\":\""
     "EVIL\"},\"name\":{\"kk\":\"EVIL\",\"ru\":\"EVIL\",\"en\":\"Mode EVIL\"}}],\"survey\":{\"id\":5,\"number\""
     ":\"S-000005 EVIL\",\"object_id\":1,\"object\":\"EVIL\",\"kind\":\"pentest\",\"control\":false,\"main\":0,"
     "\"main_number\":\"EVIL\",\"control_id\":0,\"control_number\":\"EVIL\",\"year\":2027,\"first_day\":\"2027-"
     "02-01\",\"last_day\":\"2027-02-05\",\"state\":\"planned\",\"version\":3,\"responsible\":\"EVIL\",\"notes"
     "\":\"</textarea>EVIL\",\"agreed_ns\":1795219893000000000,\"agreed_by\":\"EVIL\",\"reference\":\"EVIL\",\""
     "started_ns\":1795219893000000000,\"finished_ns\":0,\"sent_ns\":0,\"findings\":3,\"findings_number\":\"EVI"
     "L\",\"put_off\":2,\"zone_offset_s\":21600,\"acts\":[\"agree\",\"put_off\",\"start\",\"finish\",\"resume\""
     ",\"send\",\"cancel\",\"notice\",\"copies\",\"received\",\"measures\",\"link\",\"EVIL\"],\"reports\":[{\"i"
     "d\":3,\"number\":\"EVIL\",\"title\":\"EVIL\"}],\"clocks\":[{\"clock\":\"M-10\",\"trigger_ns\":1,\"due_ns"
     "\":1795219893000000000,\"state\":\"running\",\"explanation\":{\"en\":\"EVIL\"},\"act\":\"EVIL\",\"from\":"
     "\"M-10.from\",\"to\":\"M-10.to\"}],\"history\":[{\"time_ns\":1,\"who\":\"EVIL\",\"what\":\"survey.planned"
     "\",\"detail\":\"EVIL\",\"record\":4}],\"outbox\":[]}}"},
    {"survey.save", "{\"ok\":true,\"id\":5,\"number\":\"S-000005\",\"version\":4}"},
    {"survey.act",
     "{\"ok\":true,\"surveys\":[{\"id\":5,\"version\":4,\"faults\":[{\"fault\":\"missing\",\"kind\":\"pentest\""
     ",\"main\":2,\"control\":3},{\"fault\":\"out_of_year\",\"kind\":\"EVIL\",\"survey\":6,\"day\":\"EVIL\"},{"
     "\"fault\":\"EVIL\",\"kind\":\"EVIL\",\"survey\":5}]}]}"},
    {"survey.plan",
     "{\"ok\":true,\"object\":1,\"year\":2027,\"version\":7,\"may_change\":true,\"covered\":false,\"kinds\":[{"
     "\"kind\":\"pentest\",\"clock\":\"EVIL\",\"documents\":false,\"main\":4,\"control\":4,\"days\":5,\"after\""
     ":25,\"paragraph\":{\"kk\":\"EVIL\",\"ru\":\"EVIL\",\"en\":\"EVIL\"},\"name\":{\"kk\":\"EVIL\",\"ru\":\"EV"
     "IL\",\"en\":\"Mode EVIL\"}}],\"quotas\":[{\"kind\":\"pentest\",\"control\":false,\"quota\":4,\"done\":1,"
     "\"planned\":1,\"missing\":2,\"no_room\":1},{\"kind\":\"EVIL\",\"control\":true,\"quota\":0,\"done\":0,\"p"
     "lanned\":0,\"missing\":0,\"no_room\":0}],\"surveys\":[{\"id\":5,\"number\":\"S-000005 EVIL\",\"object_id"
     "\":1,\"object\":\"EVIL\",\"kind\":\"pentest\",\"control\":false,\"main\":0,\"main_number\":\"EVIL\",\"con"
     "trol_id\":0,\"control_number\":\"EVIL\",\"year\":2027,\"first_day\":\"2027-02-01\",\"last_day\":\"2027-02"
     "-05\",\"state\":\"planned\",\"version\":3,\"responsible\":\"EVIL\",\"notes\":\"</textarea>EVIL\",\"agreed"
     "_ns\":1795219893000000000,\"agreed_by\":\"EVIL\",\"reference\":\"EVIL\",\"started_ns\":179521989300000000"
     "0,\"finished_ns\":0,\"sent_ns\":0,\"findings\":3,\"findings_number\":\"EVIL\",\"put_off\":2}],\"proposal"
     "\":[{\"kind\":\"pentest\",\"control\":false,\"main\":0,\"pair\":-1,\"first_day\":\"2027-03-01\",\"last_da"
     "y\":\"2027-03-05\",\"tight\":false},{\"kind\":\"pentest\",\"control\":true,\"main\":0,\"pair\":0,\"first_"
     "day\":\"2027-05-03\",\"last_day\":\"EVIL\",\"tight\":true},{\"kind\":\"EVIL\",\"control\":true,\"main\":5"
     ",\"pair\":-1,\"first_day\":\"2027-06-01\",\"last_day\":\"2027-06-04\"}],\"faults\":[{\"fault\":\"missing"
     "\",\"kind\":\"pentest\",\"main\":2,\"control\":3},{\"fault\":\"out_of_year\",\"kind\":\"EVIL\",\"survey\""
     ":6,\"day\":\"EVIL\"},{\"fault\":\"EVIL\",\"kind\":\"EVIL\",\"survey\":5}]}"},
    {"survey.accept", "{\"ok\":true,\"ids\":[5,6],\"version\":9}"},
    {"survey.calendar",
     "{\"ok\":true,\"year\":2026,\"covered\":false,\"days\":[{\"day\":\"2026-01-01\",\"surveys\":0,\"kind\":\"h"
     "oliday\",\"name\":{\"kk\":\"EVIL\",\"ru\":\"EVIL\",\"en\":\"EVIL\"}},{\"day\":\"2026-11-20\",\"surveys\":"
     "12,\"kind\":\"working\"},{\"day\":\"EVIL\",\"surveys\":1,\"kind\":\"EVIL\"}]}"},
    {"survey.faults",
     "{\"ok\":true,\"total\":120,\"kinds\":[{\"kind\":\"pentest\",\"clock\":\"EVIL\",\"documents\":false,\"main"
     "\":4,\"control\":4,\"days\":5,\"after\":25,\"paragraph\":{\"kk\":\"EVIL\",\"ru\":\"EVIL\",\"en\":\"EVIL\""
     "},\"name\":{\"kk\":\"EVIL\",\"ru\":\"EVIL\",\"en\":\"Mode EVIL\"}}],\"objects\":[{\"object_id\":1,\"objec"
     "t\":\"EVIL\",\"surveys\":4,\"faults\":[{\"fault\":\"missing\",\"kind\":\"pentest\",\"main\":2,\"control\""
     ":3},{\"fault\":\"out_of_year\",\"kind\":\"EVIL\",\"survey\":6,\"day\":\"EVIL\"},{\"fault\":\"EVIL\",\"kin"
     "d\":\"EVIL\",\"survey\":5}]}],\"counts\":{\"missing\":3,\"out_of_year\":1}}"},
    {"object.save", "{\"ok\":true,\"id\":2,\"version\":8,\"changes\":[{\"field\":\"EVIL\",\"was\":\"EVIL\","
                    "\"now\":\"EVIL\"},{\"field\":\"city\",\"was\":\"\",\"now\":\"Astana\"}],\"changes_count\":2}"},
    {"object.card",
     "{\"ok\":true,\"may_change\":true,\"object\":{\"id\":1,\"version\":7,\"name\":\"portal EVIL\",\"owner\":\"EVIL\","
     "\"class\":1,\"keep_days\":0,\"zone_offset_s\":21600,\"questionnaire\":[{\"id\":\"name\",\"point\":\"1\",\"kind\":"
     "\"line\",\"kept\":false,"
     "\"required\":true,\"missing\":false,\"value\":\"EVIL\",\"label\":{\"kk\":\"EVIL\",\"ru\":\"EVIL\",\"en\":"
     "\"EVIL\"}},"
     "{\"id\":\"city\",\"point\":\"4\",\"kind\":\"line\",\"kept\":true,\"required\":true,\"missing\":true,"
     "\"value\":\"\",\"label\":{\"kk\":\"EVIL\",\"ru\":\"EVIL\",\"en\":\"Town "
     "EVIL\"}},{\"id\":\"EVIL\",\"point\":\"EVIL\","
     "\"kind\":\"choice\",\"kept\":true,\"values\":[\"yes\",\"EVIL\"],\"value\":\"EVIL\",\"label\":{\"en\":\"EVIL\"}},"
     "{\"id\":\"more\",\"point\":\"5\",\"kind\":\"text\",\"kept\":true,\"value\":\"</textarea>EVIL\",\"label\":{}},"
     "{\"id\":\"logical_scheme\",\"point\":\"9\",\"kind\":\"document\",\"value\":\"+\",\"label\":{\"en\":\"EVIL\"}},"
     "{\"id\":\"contacts\",\"point\":\"11\",\"kind\":\"contacts\",\"value\":\"+\",\"label\":{\"en\":\"EVIL\"}},"
     "{\"id\":\"means\",\"point\":\"12\",\"kind\":\"means\",\"value\":\"+\",\"label\":{\"en\":\"EVIL\"}}],"
     "\"draft\":{\"time_ns\":5,\"who\":\"EVIL\",\"version\":6,\"card\":{\"name\":\"EVIL\",\"fields\":{\"more\":"
     "\"drafted "
     "EVIL\"}}},\"acts\":[\"told_operation\",\"EVIL\"],\"contacts\":[{\"name\":\"EVIL\",\"post\":\"EVIL\"}],"
     "\"means\":[{\"kind\":\"technical\",\"name\":\"EVIL\",\"purpose\":\"EVIL\",\"version\":\"EVIL\",\"addresses\":"
     "\"EVIL\",\"domains\":\"EVIL\",\"reserve\":\"yes\"},{\"kind\":\"EVIL\",\"name\":\"second\",\"reserve\":\"EVIL\"}],"
     "\"documents\":[{\"kind\":\"logical_scheme\",\"title\":\"Scheme EVIL\",\"approved\":\"2026-01-15\"},"
     "{\"kind\":\"other\",\"title\":\"Letter 5\"}],\"offers\":[{\"state\":\"new\",\"agent\":\"EVIL\",\"name\":\"EVIL\","
     "\"addresses\":\"192.0.2.7\",\"domains\":\"web7 EVIL\",\"os\":\"EVIL\"},{\"state\":\"differs\",\"said\":\"EVIL\","
     "\"domains\":\"web8\"}],\"clocks\":[{\"clock\":\"M-01\",\"trigger_ns\":1,\"due_ns\":1795219893000000000,"
     "\"state\":\"running\",\"explanation\":{\"en\":\"EVIL\"},\"act\":\"EVIL\",\"from\":\"M-01.from\",\"to\":\"M-01."
     "to\"}],"
     "\"history\":[{\"time_ns\":1,\"who\":\"EVIL\",\"what\":\"object.saved\",\"detail\":\"EVIL\",\"record\":4}],"
     "\"outbox\":[]}}"},
    {"object.export", "{\"ok\":true,\"version\":7,\"sha256\":\"EVIL\",\"object\":{\"format\":\"qorgan.object/1\","
                      "\"name\":\"EVIL\"}}"},
    {"object.versions", "{\"ok\":true,\"versions\":[{\"version\":7,\"time_ns\":1795219893000000000,\"who\":\"EVIL\","
                        "\"reason\":\"EVIL\",\"sha256\":\"EVIL\",\"changes\":3}]}"},
    {"object.version",
     "{\"ok\":true,\"version\":7,\"time_ns\":5,\"who\":\"EVIL\",\"reason\":\"EVIL\",\"sha256\":\"EVIL\","
     "\"changes\":[{\"field\":\"city\",\"was\":\"EVIL\",\"now\":\"EVIL\"}],\"object\":{\"name\":\"EVIL\"}}"},
    {"object.draft_end", "{\"ok\":true}"},
    {"object.act", "{\"ok\":true,\"met\":1}"},
    {"indicator.check", "{\"ok\":true}"},
    {"indicator.add", "{\"ok\":true,\"id\":5}"},
    {"indicator.own",
     "{\"ok\":true,\"may_change\":true,\"bytes_max\":67108864,\"lists\":[{\"id\":2,\"standing\":4,"
     "\"expires_ns\":1895219893000000000,\"since_ns\":1795219893000000000,\"version\":3,\"entries\":1234,"
     "\"confidence\":70,\"list\":\"EVIL\",\"source\":\"EVIL\"},{\"id\":3,\"standing\":0,\"list\":\"old\"}],"
     "\"files\":[{\"id\":5,\"list_id\":2,\"state\":\"ready\",\"stands\":false,\"version\":0,\"made_ns\":"
     "1795219893000000000,"
     "\"expires_ns\":1895219893000000000,\"confidence\":70,\"bytes\":4096,\"entries\":11,\"address\":2,\"domain\":3,"
     "\"hash\":4,\"url\":2,\"repeated\":1,\"revoked\":1,\"passed\":1,\"refused\":3,\"new\":5,\"changed\":1,\"same\":4,"
     "\"gone\":2,\"list\":\"EVIL\",\"source\":\"EVIL\",\"name\":\"EVIL\",\"who\":\"EVIL\",\"sha256\":\"EVIL\","
     "\"fault\":\"EVIL\",\"detail\":\"EVIL\",\"taken_by\":\"EVIL\"}]}"},
    {"indicator.get",
     "{\"ok\":true,\"may_change\":true,\"id\":2,\"standing\":4,\"expires_ns\":1895219893000000000,"
     "\"since_ns\":1795219893000000000,\"list\":\"EVIL\",\"versions\":[{\"id\":4,\"state\":\"taken\",\"stands\":true,"
     "\"version\":3,\"source\":\"EVIL\",\"name\":\"EVIL\",\"taken_by\":\"EVIL\"},{\"id\":1,\"state\":\"taken\","
     "\"stands\":false,\"version\":2},{\"id\":7,\"state\":\"old\",\"stands\":false,\"version\":1}],\"history\":["
     "{\"time_ns\":1795219893000000000,\"version\":3,\"expires_ns\":0,\"record\":9,\"act\":\"EVIL\",\"who\":\"EVIL\","
     "\"reason\":\"EVIL\"}]}"},
    {"indicator.version",
     "{\"ok\":true,\"may_change\":true,\"version\":{\"id\":5,\"list_id\":2,\"state\":\"ready\",\"stands\":false,"
     "\"version\":0,\"made_ns\":1795219893000000000,"
     "\"expires_ns\":1895219893000000000,\"confidence\":70,\"bytes\":4096,\"entries\":11,\"address\":2,\"domain\":3,"
     "\"hash\":4,\"url\":2,\"repeated\":1,\"revoked\":1,\"passed\":1,\"refused\":3,\"new\":5,\"changed\":1,\"same\":4,"
     "\"gone\":2,\"list\":\"EVIL\",\"source\":\"EVIL\",\"name\":\"EVIL\",\"who\":\"EVIL\",\"sha256\":\"EVIL\","
     "\"fault\":\"EVIL\",\"detail\":\"EVIL\",\"taken_by\":\"EVIL\",\"standing\":4,\"stale\":false,\"preview\":{"
     "\"reasons\":[{\"line\":7,\"reason\":\"EVIL\",\"value\":\"EVIL\",\"count\":3}],\"rows\":[{\"value\":\"EVIL\","
     "\"kind\":\"EVIL\",\"note\":\"EVIL\",\"confidence\":7,\"from_ns\":0,"
     "\"until_ns\":1895219893000000000,\"subdomains\":true}],\"new\":[{\"value\":\"EVIL\",\"kind\":\"EVIL\",\"note\":"
     "\"EVIL\",\"confidence\":7,\"from_ns\":0,"
     "\"until_ns\":1895219893000000000,\"subdomains\":true}],"
     "\"changed\":[{\"value\":\"EVIL\",\"kind\":\"EVIL\",\"note\":\"EVIL\",\"confidence\":7,\"from_ns\":0,"
     "\"until_ns\":1895219893000000000,\"subdomains\":true}],\"gone\":[{\"value\":\"EVIL\",\"kind\":\"EVIL\",\"note\":"
     "\"EVIL\",\"confidence\":7,\"from_ns\":0,"
     "\"until_ns\":1895219893000000000,\"subdomains\":true}]}}}"},
    {"indicator.take", "{\"ok\":true,\"list\":\"a.csv\",\"list_id\":2,\"version\":3}"},
    {"indicator.drop", "{\"ok\":true}"},
    {"indicator.end", "{\"ok\":true}"},
    {"indicator.restore", "{\"ok\":true,\"version\":2}"},
    {"upload.check", "{\"ok\":true}"},
    {"body", "{\"ok\":true,\"file\":77,\"bytes\":12,\"sha256\":\"ab\"}"},
    {"upload.add", "{\"ok\":true,\"id\":5}"},
    {"upload.accept", "{\"ok\":true,\"id\":3,\"number\":\"F-000003\"}"},
    {"upload.drop", "{\"ok\":true}"},
    {"document.list",
     "{\"ok\":true,\"may_change\":true,\"bytes\":9,\"violations\":[{\"id\":4,\"document\":7,\"title\":\"EVIL\","
     "\"found\":\"2026-11-01\",\"requirement\":\"EVIL\",\"what\":\"EVIL\",\"who\":\"EVIL\",\"mended\":\"\"},"
     "{\"id\":3,\"document\":0,\"requirement\":\"EVIL\",\"what\":\"EVIL\",\"mended\":\"2026-11-02\",\"measure\":"
     "\"EVIL\",\"mended_by\":\"EVIL\"}],"
     "\"bytes_max\":99,\"documents\":[{\"id\":7,\"kind\":\"1_"
     "1\",\"title\":\"EVIL\",\"ended_ns\":0,\"languages\":[\"kk\"],\"languages_missing\":[\"ru\"],\"versio"
     "n\":2,\"approved\":\"2026-01-12\",\"coming\":false,\"review\":\"overdue\",\"due_ns\":5,\"signatures"
     "\":\"bad\"},{\"id\":7,\"kind\":\"other\",\"title\":\"EVIL\",\"ended_ns\":0,\"languages\":[\"kk\"],\""
     "languages_missing\":[\"ru\"],\"version\":2,\"approved\":\"2026-01-12\",\"coming\":false,\"review\":"
     "\"overdue\",\"due_ns\":5,\"signatures\":\"none\"}],\"missing\":[\"2_1\",\"4_8\"]}"},
    {"document.get",
     "{\"ok\":true,\"may_change\":true,\"document\":{\"id\":7,\"object_id\":1,\"object\":\"EVIL\",\"kind\""
     ":\"1_1\",\"title\":\"EVIL\",\"who\":\"EVIL\",\"made_ns\":1,\"reviewed\":\"\",\"counted\":\"2026-01-1"
     "2\",\"ended_ns\":0,\"ended_by\":\"\",\"ended_why\":\"\",\"versions\":[{\"id\":3,\"number\":2,\"langu"
     "age\":\"kk\",\"pages\":14,\"approved\":\"2026-01-12\",\"approved_by\":\"EVIL\",\"note\":\"EVIL\",\"w"
     "ho\":\"EVIL\",\"made_ns\":1,\"files\":[{\"id\":5,\"form\":\"plain\",\"state\":\"kept\",\"name\":\"EV"
     "IL\",\"bytes\":9,\"sha256\":\"EVIL\",\"fault\":\"\",\"who\":\"EVIL\",\"made_ns\":1,\"judgements\":[]"
     "},{\"id\":6,\"form\":\"beside\",\"state\":\"kept\",\"name\":\"EVIL\",\"bytes\":9,\"sha256\":\"EVIL\""
     ",\"fault\":\"\",\"who\":\"EVIL\",\"made_ns\":1,\"judgements\":[{\"id\":9,\"who\":\"EVIL\",\"asked_ns"
     "\":1,\"judged_ns\":2,\"verdict\":\"unknown\",\"fault\":\"\",\"tree\":12,\"report\":{\"verdict\":\"un"
     "known\",\"signers\":[{\"verdict\":\"unknown\",\"name\":\"EVIL\",\"person\":\"IINEVIL\",\"organisatio"
     "n\":\"EVIL\",\"organisation_code\":\"BINEVIL\",\"issuer\":\"EVIL\",\"serial\":\"EVIL\",\"algorithm\""
     ":\"EVIL\",\"from_ns\":1,\"until_ns\":2,\"claimed_ns\":3,\"stamped_ns\":0,\"moment_ns\":5,\"bytes\":{"
     "\"verdict\":\"good\",\"reason\":\"good\",\"about\":\"\"},\"path\":{\"verdict\":\"good\",\"reason\":"
     "\"good\",\"about\":\"\"},\"period\":{\"verdict\":\"good\",\"reason\":\"good\",\"about\":\"\"},\"revo"
     "cation\":{\"verdict\":\"unknown\",\"reason\":\"silent\",\"about\":\"EVIL\"},\"stamp\":{\"verdict\":"
     "\"good\",\"reason\":\"good\",\"about\":\"\"}}]}},{\"id\":8,\"who\":\"EVIL\",\"asked_ns\":1,\"judged_"
     "ns\":1,\"verdict\":\"unknown\",\"fault\":\"no_signature\",\"tree\":0}]}]},{\"id\":2,\"number\":1,\"l"
     "anguage\":\"ru\",\"pages\":0,\"approved\":\"\",\"approved_by\":\"\",\"note\":\"\",\"who\":\"a\",\"ma"
     "de_ns\":1,\"files\":[{\"id\":4,\"form\":\"signed\",\"state\":\"lost\",\"name\":\"EVIL\",\"bytes\":9,"
     "\"sha256\":\"EVIL\",\"fault\":\"disk\",\"who\":\"EVIL\",\"made_ns\":1,\"judgements\":[]}]}],\"clocks"
     "\":[],\"history\":[],\"outbox\":[]}}"},
    {"document.violation", "{\"ok\":true,\"id\":4}"},
    {"document.mend", "{\"ok\":true}"},
    {"document.judgement",
     "{\"ok\":true,\"id\":9,\"who\":\"EVIL\",\"asked_ns\":1,\"judged_ns\":2,\"verdict\":\"unknown\",\"faul"
     "t\":\"\",\"tree\":12,\"report\":{\"verdict\":\"unknown\",\"signers\":[{\"verdict\":\"unknown\",\"nam"
     "e\":\"EVIL\",\"person\":\"IINEVIL\",\"organisation\":\"EVIL\",\"organisation_code\":\"BINEVIL\",\"is"
     "suer\":\"EVIL\",\"serial\":\"EVIL\",\"algorithm\":\"EVIL\",\"from_ns\":1,\"until_ns\":2,\"claimed_ns"
     "\":3,\"stamped_ns\":0,\"moment_ns\":5,\"bytes\":{\"verdict\":\"good\",\"reason\":\"good\",\"about\":"
     "\"\"},\"path\":{\"verdict\":\"good\",\"reason\":\"good\",\"about\":\"\"},\"period\":{\"verdict\":\"g"
     "ood\",\"reason\":\"good\",\"about\":\"\"},\"revocation\":{\"verdict\":\"unknown\",\"reason\":\"silen"
     "t\",\"about\":\"EVIL\"},\"stamp\":{\"verdict\":\"good\",\"reason\":\"good\",\"about\":\"\"}}]}}"},
    {"document.check", "{\"ok\":true}"},
    {"document.add", "{\"ok\":true,\"document\":7,\"version\":3,\"file\":5}"},
    {"document.file", "{\"ok\":true,\"name\":\"Саясат \\\"1\\\".pdf\",\"bytes\":9,\"sha256\":\"x\"}"},
    {"document.judge", "{\"ok\":true}"},
    {"document.review", "{\"ok\":true}"},
    {"document.end", "{\"ok\":true}"},
    {"upload.list",
     "{\"ok\":true,\"total\":120,\"may_change\":true,\"uploads\":[{\"id\":5,\"state\":\"EVIL\",\"control\":true,"
     "\"object_id\":1,\"object\":\"EVIL\",\"origin\":\"survey\",\"title\":\"EVIL\",\"name\":\"EVIL\",\"who\":\"EVIL\","
     "\"made_ns\":1795219893000000000,\"received_ns\":1795219893000000000,\"bytes\":12,\"findings\":3,\"permille\":9}]"
     "}"},
    {"upload.get",
     "{\"ok\":true,\"may_change\":true,\"upload\":{\"id\":5,\"state\":\"ready\",\"control\":true,\"object_id\":1,"
     "\"object\":\"EVIL\",\"origin\":\"survey\",\"title\":\"EVIL\",\"name\":\"EVIL\",\"who\":\"EVIL\","
     "\"accepted_by\":\"EVIL\",\"sha256\":\"EVIL\",\"format\":\"EVIL\",\"scanner\":\"EVIL\",\"fault\":\"EVIL\","
     "\"detail\":\"EVIL\",\"line\":7,\"report\":3,\"made_ns\":1795219893000000000,\"ended_ns\":0,"
     "\"received_ns\":1795219893000000000,\"bytes\":12,\"findings\":3,\"permille\":9,\"hosts\":2,\"passed\":1,"
     "\"broken\":1,\"cut\":1,\"decided\":1,\"repeated\":1,\"stale\":true,\"twin\":2,\"twin_number\":\"EVIL\","
     "\"counts\":[{\"fate\":\"fresh\",\"severity\":\"high\",\"count\":41},{\"fate\":\"closed\",\"severity\":\"low\","
     "\"count\":1}],\"places\":60,\"strangers_total\":51,\"strangers\":[\"EVIL\"],"
     "\"terms\":[{\"clock\":\"M-18\",\"due_ns\":1795219893000000000}]}}"},
    {"announce.list",
     "{\"ok\":true,\"total\":150,\"may_change\":true,\"announcements\":[{\"id\":4,\"source\":\"EVIL\",\"kind\":"
     "\"EVIL\","
     "\"name\":\"EVIL\",\"what\":\"EVIL\",\"before\":\"EVIL\",\"after\":\"EVIL\",\"who\":\"EVIL\",\"from_ns\":"
     "1795219893000000000,\"to_ns\":1795229893000000000,\"made_ns\":1795219893000000000,\"due_ns\":1794219893000000000,"
     "\"in_time\":false,\"ended_ns\":0,\"state\":\"now\",\"ended_by\":\"\",\"ended_why\":\"\",\"explanation\":{\"kk\":"
     "\"EVIL\",\"ru\":\"EVIL\",\"en\":\"five days "
     "EVIL\"}},{\"id\":3,\"state\":\"withdrawn\",\"in_time\":true,\"ended_by\":"
     "\"EVIL\",\"ended_why\":\"EVIL\"}],\"changes\":[{\"source\":\"EVIL\",\"name\":\"EVIL\",\"change\":\"format\","
     "\"from_ns\":5,\"was_permille\":950,\"now_permille\":604,\"announcement\":0},{\"change\":\"rhythm\","
     "\"announcement\":4}],"
     "\"sources\":[{\"source\":\"0123456789abcdef0123456789abcdef\",\"kind\":\"EVIL\",\"name\":\"EVIL\"}]}"},
    {"loss.hours",
     "{\"ok\":true,\"total\":250,\"hours\":[{\"from_ns\":1795219200000000000,\"source\":\"EVIL\",\"kind\":\"EVIL\","
     "\"name\":"
     "\"EVIL\",\"received\":105,\"parsed\":95,\"acknowledged\":100,\"wait_us\":8500,\"wait_max_us\":23700,\"lost\":[{"
     "\"cause\":"
     "\"queue\",\"unit\":\"records\",\"count\":9,\"unknown\":false},{\"cause\":\"EVIL\",\"unit\":\"EVIL\",\"count\":0,"
     "\"unknown\":true}]},{\"received\":0,\"lost\":[]}]}"},
    {"announce.save", "{\"ok\":true,\"id\":5,\"due_ns\":1795219893000000000,\"in_time\":true}"},
    {"announce.end", "{\"ok\":true}"},
    {"canary.list",
     "{\"ok\":true,\"agents\":3,\"agents_late\":1,\"every_s\":300,\"troubles\":[{\"hop\":\"engine\",\"engine\":1,"
     "\"since_ns\":1795219893000000000},{\"hop\":\"EVIL\"}],\"service\":[{\"engine\":0,\"seen_ns\":0,\"hop\":"
     "\"fine\"},{\"engine\":1,\"seen_ns\":1795219893000000000,\"total_us\":84500,\"every_s\":300,\"hop\":\"EVIL\"}],"
     "\"late\":[{\"agent\":\"EVIL\",\"name\":\"EVIL\",\"hop\":\"idle\",\"seen_ns\":5,\"hop_ns\":6}],\"hours\":["
     "{\"from_ns\":1795219200000000000,\"of\":\"agents\",\"total\":{\"p50_us\":84500,\"p99_us\":612300,\"max_us\":"
     "701000},\"receive\":{\"p99_us\":4200},\"count\":36},{\"from_ns\":1,\"of\":\"EVIL\",\"waited\":4}]}"},
    {"source.list",
     "{\"ok\":true,\"sources\":[{\"id\":\"00\",\"kind\":\"EVIL\",\"name\":\"src EVIL\",\"host\":\"EVIL\","
     "\"first_ns\":1,\"last_ns\":1795219893000000000,\"records\":5,\"per_second\":1.25,"
     "\"not_understood\":1,\"dropped\":2,\"silent\":true}],\"totals\":{\"records\":5,\"per_second\":1e300,"
     "\"durable\":7,\"checkpoint_size\":6,\"checkpoint_ns\":1795219893000000000,\"rules_loaded\":1,"
     "\"rules_refused\":2,\"disk_free\":9,\"not_understood\":3,\"dropped\":4}}"},
    {"incident.list",
     "{\"ok\":true,\"total\":250,\"incidents\":[{\"id\":6,\"number\":\"2026-000006 "
     "EVIL\",\"title\":\"EVIL\",\"object\":\"EVIL\","
     "\"state\":\"EVIL\",\"severity\":4,\"kind\":\"EVIL\",\"matches\":3,\"first_ns\":1,\"last_ns\":2,\"detected_ns\":3,"
     "\"next\":{\"clock\":\"EVIL\",\"due_ns\":1795219993000000000,\"started_ns\":1,\"overdue\":false}},"
     "{\"id\":7,\"number\":\"n\",\"title\":\"t\",\"severity\":99,\"next\":{\"clock\":\"M-04\",\"due_ns\":5}},"
     "{\"id\":8,\"next\":null}]}"},
    {"incident.get",
     "{\"ok\":true,\"incident\":{\"id\":6,\"number\":\"EVIL\",\"title\":\"EVIL\",\"object\":\"EVIL\",\"state\":"
     "\"detected\","
     "\"severity\":2,\"kind\":\"EVIL\",\"matches\":1,\"rule_id\":\"EVIL\",\"rule_title\":\"EVIL\",\"level\":\"EVIL\","
     "\"tags\":[\"EVIL\"],\"host\":\"EVIL\",\"account\":\"EVIL\",\"address\":\"EVIL\",\"object_id\":1,\"scope\":"
     "\"EVIL\","
     "\"sign\":\"EVIL\",\"contour\":\"EVIL\",\"repeat\":true,\"ioc\":\"EVIL\",\"consequence\":\"EVIL\",\"nature\":"
     "\"EVIL\","
     "\"actions\":\"EVIL\",\"note\":\"</textarea>EVIL\",\"occurred_ns\":1,\"clocks\":[{\"clock\":\"EVIL\","
     "\"paragraph\":\"EVIL\",\"trigger_ns\":1,\"due_ns\":2,\"state\":\"EVIL\",\"met_ns\":3,\"from\":\"EVIL\",\"to\":"
     "\"EVIL\","
     "\"deliverable\":\"EVIL\",\"explanation\":{\"kk\":\"EVIL\",\"ru\":\"EVIL\",\"en\":\"EVIL\"}},{\"clock\":\"M-14\","
     "\"state\":\"running\",\"due_ns\":1795219993000000000}],\"records\":[{\"record\":9,\"time_ns\":1,\"text\":"
     "\"EVIL\"}],"
     "\"history\":[{\"time_ns\":1,\"who\":\"EVIL\",\"what\":\"EVIL\",\"detail\":\"EVIL\",\"record\":4}],"
     "\"outbox\":[{\"channel\":\"EVIL\",\"to\":\"EVIL\",\"state\":\"EVIL\",\"time_ns\":1,\"tries\":2}]}}"},
    {"incident.act", "{\"ok\":true}"},
    {"incident.edit", "{\"ok\":true}"},
    {"incident.open", "{\"ok\":true,\"id\":7}"},
    {"incident.told", "{\"ok\":true}"},
    {"catalogue", "{\"ok\":true,\"kinds\":[\"EVIL\",\"dos\"],\"scopes\":[\"EVIL\"],\"signs\":[\"EVIL\"],"
                  "\"consequences\":[\"EVIL\"],\"contours\":[\"EVIL\"],\"severities\":[4,3,2,1],\"states\":[\"EVIL\"],"
                  "\"origins\":[\"EVIL\",\"own\",\"sts\"]}"},
    {"channel.list", "{\"ok\":true,\"channels\":[{\"id\":1,\"kind\":\"EVIL\",\"to\":\"EVIL\",\"server\":\"EVIL\","
                     "\"from\":\"EVIL\",\"enabled\":true}]}"},
    {"channel.save", "{\"ok\":true,\"id\":1}"},
    {"user.list", "{\"ok\":true,\"factor_roles\":[\"EVIL\",\"analyst\"],\"users\":[{\"name\":\"EVIL\","
                  "\"factor_ns\":1795219893000000000,\"role\":\"EVIL\",\"enabled\":false},{\"name\":\"bob\","
                  "\"role\":\"analyst\",\"enabled\":true}]}"},
    {"user.save", "{\"ok\":true}"},
    {"search",
     "{\"ok\":true,\"events\":[{\"record\":11,\"time_ns\":1,\"received_ns\":2,\"source\":\"EVIL\",\"kind\":\"EVIL\","
     "\"parser\":\"EVIL\",\"raw\":\"EVIL\",\"fields\":{\"EVIL\":\"EVIL\",\"b\":[\"EVIL\",\"c\"]},\"statutory\":{"
     "\"EVIL\":\"EVIL\","
     "\"outcome\":\"EVIL\"},\"rules\":[\"EVIL\"]}],\"matched\":1,\"scanned\":2,\"complete\":false,\"next_before\":11,"
     "\"histogram\":{\"from_ns\":1795219893000000000,\"step_ns\":60000000000,\"counts\":[0,1,7,3]},"
     "\"gone_records\":5,\"gone_first\":0,\"gone_end\":6,\"gone_under\":8,"
     "\"job\":\"EVIL\",\"permille\":500,\"unsorted\":1,\"table\":{\"columns\":[{\"name\":\"EVIL\",\"kind\":\"time\"},"
     "{\"name\":\"EVIL\",\"kind\":\"text\"},{\"name\":\"n\",\"kind\":\"count\"}],\"step_ns\":60000000000,"
     "\"rows\":[[1795219893000000000,\"EVIL\",7],[1795219953000000000,\"b\",3]],\"rows_total\":9,\"lost\":1},"
     "\"explain\":{\"segments\":1}}"},
    {"record", "{\"ok\":true,\"record\":9,\"time_ns\":1,\"received_ns\":2,\"source\":\"EVIL\",\"kind\":\"EVIL\","
               "\"parser\":\"EVIL\","
               "\"raw\":\"EVIL\",\"fields\":{\"EVIL\":\"EVIL\"},\"statutory\":{\"host\":\"EVIL\"},\"rules\":[\"EVIL\"],"
               "\"leaf_hash\":\"EVIL\",\"source_id\":\"EVIL\",\"epoch\":7,\"sequence\":8,\"received_boot_ns\":9,"
               "\"transport\":\"EVIL\"}"},
    {"explain",
     "{\"ok\":true,\"record\":9,\"rule\":{\"id\":\"EVIL\",\"title\":\"EVIL\",\"kind\":\"correlation\",\"level\":"
     "\"EVIL\"},"
     "\"correlation\":{\"type\":\"EVIL\",\"timespan_s\":300,\"rules\":[{\"id\":\"EVIL\",\"title\":\"EVIL\"}],"
     "\"group_by\":[\"EVIL\"],\"fields\":[\"EVIL\"],\"condition\":[{\"sign\":\"EVIL\",\"number\":4}]},\"match\":false,"
     "\"recorded\":true,\"shortened\":true,\"explained\":[{\"rule_id\":\"EVIL\",\"title\":\"EVIL\",\"match\":false,"
     "\"records\":[8,9],\"held_back\":[{\"id\":\"EVIL\",\"title\":\"EVIL\"}],\"log_source\":{\"part\":\"EVIL\","
     "\"wanted\":\"EVIL\",\"said\":\"EVIL\"},\"group\":["
     "{\"by\":\"EVIL\",\"field\":\"EVIL\",\"value\":\"EVIL\"},{\"by\":\"EVIL\",\"field\":\"EVIL\"}],"
     "\"tree\":{\"kind\":\"all\",\"held\":false,\"name\":\"EVIL\",\"of\":["
     "{\"kind\":\"EVIL\",\"held\":true,\"of\":[]},"
     "{\"kind\":\"test\",\"held\":false,\"field\":\"EVIL\",\"how\":\"EVIL\",\"wanted\":\"EVIL\",\"miss\":\"other\","
     "\"found\":\"EVIL\",\"values\":3},"
     "{\"kind\":\"test\",\"held\":false,\"field\":\"\",\"how\":\"regex\",\"wanted\":\"EVIL\",\"miss\":\"EVIL\"},"
     "{\"kind\":\"test\",\"held\":false,\"field\":\"EVIL\",\"how\":\"string\",\"wanted\":\"\",\"miss\":\"absent\"}]}}]"
     "}"},
    {"proof", "{\"ok\":true,\"proof\":\"c2sp.org/tlog-proof@v1\\nEVIL\",\"leaf\":\"aGVsbG8=\",\"checkpoint_size\":10,"
              "\"root\":\"EVIL\"}"},
    {"paper.begin", "{\"ok\":true,\"token\":\"0123456789abcdef\",\"paper\":\"export\",\"state\":\"working\"}"},
    {"paper.state",
     "{\"ok\":true,\"token\":\"EVIL\",\"paper\":\"export\",\"state\":\"ready\",\"permille\":500,\"record\":true,"
     "\"failed\":\"EVIL\",\"files\":[{\"name\":\"EVIL\",\"bytes\":9,\"records\":1,\"sha256\":\"EVIL\",\"sealed\":true}]"
     "}"},
    {"paper.file", "{\"ok\":true}\nEVIL of the file"},
    {"paper.record", "{\"ok\":true}"},
    {"sheet", "{\"ok\":true,\"sheet\":\"qorgan proof sheet 1\\nEVIL\"}"},
    {"archive", "{\"ok\":true,\"records\":1,\"durable\":2,\"segments\":3,\"bytes_raw\":4,\"bytes_stored\":5,"
                "\"checkpoint\":\"EVIL\\n7\\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\\n\\nEVIL\","
                "\"checkpoint_ns\":6,\"origin\":\"EVIL\",\"oldest_ns\":6}"},
    {"witness.list", "{\"ok\":true,\"witnesses\":[{\"name\":\"EVIL\",\"state\":\"EVIL\",\"size\":1,\"time_ns\":2,"
                     "\"error\":\"EVIL\",\"refused\":3},{\"name\":\"w2\",\"state\":\"good\",\"size\":1,\"time_ns\":0,"
                     "\"error\":\"\"}],\"quorum\":{\"asked\":true,\"lost\":true,\"size\":4},"
                     "\"stamp\":{\"size\":1,\"time_ns\":1795219893000000000,\"error\":\"EVIL\"}}"},
    {"receiver.list",
     "{\"ok\":true,\"late_s\":900,\"receivers\":[{\"name\":\"EVIL\",\"address\":\"kafka+tls://"
     "EVIL\",\"format\":\"EVIL\","
     "\"query\":\"EVIL\",\"own\":true,\"state\":\"behind\",\"next\":1,\"given\":2,\"waiting_ns\":3,\"last_ns\":4,"
     "\"error\":\"EVIL\",\"error_ns\":5},{\"name\":\"b\",\"address\":\"EVIL\",\"state\":\"EVIL\",\"next\":9}]}"},
    {"mirror.list",
     "{\"ok\":true,\"mirrors\":[{\"name\":\"EVIL\",\"address\":\"EVIL\",\"state\":\"stopped\","
     "\"reason\":\"EVIL\",\"size\":1,\"last_ns\":2,\"silent\":true},{\"name\":\"b\",\"state\":\"ok\"}]}"},
    {"mirror.forget", "{\"ok\":true}"},
    {"retention.list",
     "{\"ok\":true,\"known\":true,\"days\":1096,\"error\":\"EVIL\",\"next_ns\":1795219893000000000,"
     "\"may_count\":2,\"may_bytes\":7,\"deleted_segments\":1,\"deleted_records\":9,\"may_propose\":true,"
     "\"segments\":[{\"first\":0,\"end\":5,\"bytes\":6,\"received_min_ns\":1,\"received_max_ns\":2,"
     "\"keep_until_ns\":3,\"state\":\"may\",\"why\":\"object\",\"object\":\"EVIL\"},{\"first\":5,\"end\":9,\"bytes\":1,"
     "\"state\":\"EVIL\",\"why\":\"EVIL\"},{\"first\":9,\"end\":12,\"state\":\"kept\",\"why\":\"object\",\"object\":"
     "\"EVIL\"}],"
     "\"undecided\":2,"
     "\"proposals\":[{\"id\":4,\"state\":\"proposed\",\"reason\":\"</textarea>EVIL\",\"records\":5,\"bytes\":6,"
     "\"first\":0,\"end\":5,\"proposer\":\"EVIL\",\"proposed_ns\":1,\"ends_ns\":2,\"decider\":\"EVIL\","
     "\"decided_ns\":3,\"decision\":\"EVIL\",\"may_approve\":true,\"may_refuse\":true,\"own\":false,"
     "\"segments\":[{\"first\":0,\"end\":5,\"bytes\":6,\"received_ns\":1,\"keep_until_ns\":2,"
     "\"state\":\"refused\",\"record\":8,\"reason\":\"EVIL\"}]},"
     "{\"id\":3,\"state\":\"EVIL\",\"reason\":\"EVIL\",\"proposer\":\"EVIL\",\"decider\":\"EVIL\","
     "\"decision\":\"EVIL\"}]}"},
    {"retention.propose", "{\"ok\":true,\"id\":5}"},
    {"retention.approve", "{\"ok\":true}"},
    {"retention.refuse", "{\"ok\":true}"},
    {"rule.list",
     "{\"ok\":true,\"total\":250,\"totals\":{\"rules\":250,\"active\":240,\"test\":1,\"draft\":2,\"off\":7,\"never\":9,"
     "\"cannot\":3,\"refused\":1,\"ns\":900,\"events\":99,\"since_ns\":1,\"looked\":true,\"may_change\":true},"
     "\"rules\":[{\"id\":\"EVIL\",\"title\":\"EVIL\",\"kind\":\"EVIL\",\"state\":\"EVIL\",\"level\":\"EVIL\","
     "\"own_level\":\"low\",\"product\":\"EVIL\",\"category\":\"EVIL\",\"service\":\"EVIL\",\"hits\":5,\"hits_day\":1,"
     "\"runs\":9,\"ns\":90,\"last_ns\":1795219893000000000,\"cannot\":\"fields\",\"missing\":[\"EVIL\"]},"
     "{\"id\":\"\",\"title\":\"EVIL\",\"kind\":\"correlation\",\"state\":\"active\",\"level\":\"high\","
     "\"own_level\":\"high\"}]}"},
    {"rule.get",
     "{\"ok\":true,\"totals\":{\"ns\":900,\"may_change\":true},\"rule\":{\"id\":\"EVIL\",\"title\":\"EVIL\","
     "\"state\":\"EVIL\",\"level\":\"EVIL\",\"own_level\":\"low\",\"kind\":\"correlation\",\"path\":\"EVIL\",\"line\":"
     "1,"
     "\"product\":\"EVIL\",\"hits\":5,\"runs\":9,\"ns\":90,\"last_ns\":1795219893000000000,\"cannot\":\"EVIL\","
     "\"missing\":[\"EVIL\"],\"description\":\"EVIL\",\"status\":\"EVIL\",\"warning\":\"EVIL\",\"tags\":[\"EVIL\"],"
     "\"fields\":[\"EVIL\"],\"feeds\":[{\"id\":\"EVIL\",\"title\":\"EVIL\",\"state\":\"EVIL\"}],\"filter_count\":2,"
     "\"filters\":[{\"id\":"
     "\"EVIL\",\"title\":\"EVIL\",\"held\":3,\"last_ns\":1795219893000000000,\"expires_ns\":1795219993000000000}],"
     "\"days\":{\"from_ns\":1795219893000000000,\"step_ns\":86400000000000,\"counts\":[0,1,7]},"
     "\"history\":[{\"time_ns\":1,\"who\":\"EVIL\",\"state\":\"off\",\"was_state\":\"EVIL\",\"level\":\"EVIL\","
     "\"was_level\":\"low\",\"reason\":\"EVIL\",\"record\":9}]}}"},
    {"filter.list",
     "{\"ok\":true,\"total\":120,\"own\":2,\"may_change\":true,\"filters\":[{\"id\":\"EVIL\",\"title\":\"EVIL\","
     "\"who\":"
     "\"EVIL\",\"reason\":\"EVIL\",\"from_ns\":1,\"version\":2,\"record\":7,\"text\":\"EVIL\",\"refused\":\"EVIL\","
     "\"own\":true,\"expires_ns\":1795219993000000000,\"loaded\":false,\"counted\":true,\"held\":0,\"rules\":[]},"
     "{\"id\":\"f2\",\"title\":\"EVIL\",\"own\":true,\"expires_ns\":1805219993000000000,\"loaded\":true,\"counted\":"
     "true,"
     "\"held\":9,\"held_day\":1,\"held_month\":5,\"last_ns\":1795219893000000000,\"mark\":\"much\",\"rule_count\":8,"
     "\"rules\":[{\"id\":\"EVIL\",\"title\":\"EVIL\"}]},"
     "{\"id\":\"\",\"title\":\"EVIL\",\"description\":\"EVIL\",\"path\":\"EVIL\",\"line\":3,\"own\":false,"
     "\"loaded\":true,\"counted\":false,\"mark\":\"nothing\",\"rule_count\":0,\"rules\":[]}],"
     "\"ended\":[{\"id\":\"EVIL\",\"title\":\"EVIL\",\"who\":\"EVIL\",\"reason\":\"EVIL\",\"from_ns\":1,\"ended_ns\":2,"
     "\"ended_by\":\"EVIL\",\"ended_why\":\"EVIL\",\"held\":4},{\"title\":\"b\",\"expired\":true}]}"},
    {"filter.hits", "{\"ok\":true,\"records\":[9,8,8,7]}"},
    {"filter.draft", "{\"ok\":true,\"id\":\"f1\",\"digest\":\"d1\",\"text\":\"title: EVIL\"}"},
    {"filter.save", "{\"ok\":true,\"id\":\"f1\"}"},
    {"filter.end", "{\"ok\":true}"},
    {"filter_try", "{\"ok\":true,\"asked\":4,\"looked\":4,\"missing\":0,\"matched\":4,\"held\":2,\"records\":[9,8]}"},
    {"rule.save", "{\"ok\":true,\"state\":\"off\",\"changed\":true}"},
    {"rule.text",
     "{\"ok\":true,\"may_change\":true,\"own\":true,\"name\":\"EVIL\",\"loaded\":true,\"version\":2,\"in_effect\":true,"
     "\"title\":\"EVIL\",\"text\":\"EVIL\",\"versions\":[{\"version\":2,\"title\":\"EVIL\",\"who\":\"EVIL\","
     "\"reason\":\"EVIL\",\"from_ns\":1,\"ended_ns\":0,\"record\":9},{\"version\":1,\"ended_ns\":7}]}"},
    {"rule.check",
     "{\"ok\":true,\"loads\":true,\"looked\":true,\"documents\":[{\"line\":1,\"id\":\"EVIL\",\"title\":\"EVIL\","
     "\"loaded\":true,\"taken\":false,\"text\":\"EVIL\",\"kind\":\"detection\",\"level\":\"EVIL\",\"product\":"
     "\"EVIL\",\"source_seen\":true,\"unseen\":[\"EVIL\"]},{\"line\":1,\"loaded\":true,\"kind\":\"detection\"},"
     "{\"line\":2,\"title\":\"EVIL\",\"loaded\":false,\"text\":\"EVIL\"},"
     "{\"line\":1,\"loaded\":true,\"taken\":true,\"text\":\"EVIL\"},"
     "{\"line\":1,\"loaded\":true,\"kind\":\"correlation\",\"level\":\"low\"}]}"},
    {"rule.write", "{\"ok\":true,\"id\":\"a=b\"}"},
    {"rule.end", "{\"ok\":true}"},
    {"rule.try",
     "{\"ok\":true,\"loads\":true,\"archive\":true,\"permille\":1000,\"records\":9,\"events\":9,\"from_ns\":1,"
     "\"to_ns\":2,\"matched\":1,\"elapsed_ns\":5000000,\"uncorrelated\":1,\"fired\":1,\"rules\":[{\"line\":1,\"title\":"
     "\"EVIL\",\"loaded\":true,\"tried\":true,\"kind\":\"detection\",\"hits\":1,\"concerned\":4,\"missing\":[\"EVIL\"]}"
     ","
     "{\"line\":7,\"loaded\":true,\"tried\":false}],\"hits\":[{\"record\":9,\"time_ns\":1,\"source\":\"EVIL\",\"raw\":"
     "\"EVIL\",\"rule_id\":\"EVIL\",\"title\":\"EVIL\",\"fields\":[{\"field\":\"EVIL\",\"wanted\":\"EVIL\",\"found\":"
     "\"EVIL\"},{\"field\":\"\",\"wanted\":\"EVIL\"}],\"why\":{\"title\":\"EVIL\",\"match\":true,\"tree\":{\"kind\":"
     "\"test\",\"held\":true,\"field\":\"EVIL\",\"how\":\"string\",\"wanted\":\"EVIL\"}}}],\"firings\":[{\"title\":"
     "\"EVIL\",\"time_ns\":1,\"group\":[{\"field\":\"EVIL\",\"value\":\"EVIL\"}],\"records\":[7,9]}],"
     "\"sample_records\":1,\"samples\":[{\"number\":1,\"raw\":\"EVIL\",\"explained\":[{\"title\":\"EVIL\",\"match\":"
     "false,"
     "\"tree\":{\"kind\":\"EVIL\",\"held\":false,\"of\":[]}}]}],\"sample_firings\":[{\"title\":\"EVIL\",\"records\":[1]"
     "}]}"},
    {"rule.report",
     "{\"ok\":true,\"totals\":{\"refused\":1},\"behind\":[{\"process\":\"EVIL\",\"since_ns\":7,\"reason\":\"EVIL\"}],"
     "\"refused\":[{\"path\":\"EVIL\",\"line\":3,\"title\":\"EVIL\","
     "\"text\":\"EVIL\"}],\"warnings\":[{\"path\":\"EVIL\",\"line\":1,\"title\":\"EVIL\",\"text\":\"EVIL\"}],"
     "\"sources\":[{\"product\":\"EVIL\",\"category\":\"EVIL\",\"service\":\"EVIL\",\"events\":9,\"covered\":4,"
     "\"rules\":2},{\"events\":1,\"covered\":9}]}"},
    {"rule.levels",
     "{\"ok\":true,\"may_change\":true,\"days\":30,\"packs\":[{\"pack\":\":files\",\"version\":\"\",\"levels\":[{"
     "\"level\":"
     "\"high\",\"active\":7,\"test\":0,\"draft\":0,\"off\":1}]},{\"pack\":\"EVIL\",\"version\":\"EVIL\",\"levels\":[{"
     "\"level\":\"EVIL\",\"active\":1,\"test\":2,\"draft\":3,\"off\":4}]}],\"acts\":[{\"id\":3,\"time_ns\":1,\"who\":"
     "\"EVIL\",\"pack\":\"EVIL\",\"level\":\"EVIL\",\"state\":\"EVIL\",\"rules\":9,\"reason\":\"EVIL\",\"undoes\":2,"
     "\"undone\":0},{\"id\":2,\"rules\":9,\"undone\":3}],\"choice\":{\"count\":12,\"begin\":11,\"end\":1,\"alarms\":5,"
     "\"cannot\":2,\"changed\":4,\"gone\":3,\"to\":{\"active\":10,\"off\":2},\"milli\":34500,\"measured\":1,\"hunted\":"
     "2,"
     "\"unknown\":9,\"loud\":[{\"id\":\"EVIL\",\"title\":\"EVIL\",\"state\":\"EVIL\",\"milli\":30000}]}}"},
    {"rule.compare", "{\"ok\":true,\"id\":8}"},
    {"rule.switch", "{\"ok\":true,\"changed\":12,\"act\":4}"},
    {"rule.restore", "{\"ok\":true,\"changed\":2,\"act\":5}"},
    {"hunt.list",
     "{\"ok\":true,\"total\":120,\"open\":2,\"days\":62,\"may_change\":true,\"hunts\":[{\"id\":4,\"state\":\"running\","
     "\"automatic\":true,\"who\":\"\",\"made_ns\":1795219000000000000,\"from_ns\":1789862200000000000,\"permille\":345,"
     "\"records\":1000,\"hits\":5,\"rules\":7,\"rule_id\":\"EVIL\",\"title\":\"EVIL\"},{\"id\":3,\"state\":\"failed\","
     "\"who\":\"EVIL\",\"rules\":1,\"rule_id\":\"EVIL\",\"title\":\"EVIL\",\"trouble\":\"unread\",\"text\":\"EVIL\"}]"
     "}"},
    {"indicator.list",
     "{\"ok\":true,\"configured\":true,\"read_ns\":1795219000000000000,\"minutes\":60,\"days\":62,\"hunt\":4,"
     "\"due_ns\":4000000000000000000,\"may_change\":true,\"lists_behind\":[{\"process\":\"EVIL\",\"since_ns\":1,"
     "\"reason\":\"EVIL\"}],\"lists\":[{\"list\":\"EVIL\",\"entries\":5000,\"new\":3,\"expired\":2,\"refused\":1,"
     "\"line\":7,\"reason\":\"EVIL\",\"value\":\"EVIL\"},{\"list\":\"EVIL\",\"entries\":1}]}"},
    {"hunt.get",
     "{\"ok\":true,\"hunt\":{\"id\":4,\"state\":\"running\",\"automatic\":false,\"who\":\"EVIL\",\"stopper\":\"EVIL\","
     "\"made_ns\":1795219000000000000,\"from_ns\":1789862200000000000,\"to_ns\":1795219000000000000,\"permille\":345,"
     "\"records\":1000,\"hits\":5000,\"rules\":2,\"rule_id\":\"EVIL\",\"title\":\"EVIL\",\"trouble\":\"died\",\"text\":"
     "\"EVIL\",\"gone\":9,\"too_large\":8,\"evicted\":7,\"passed\":6,\"may_stop\":true,\"may_open\":true,\"by_rule\":["
     "{\"rule_id\":\"EVIL\",\"title\":\"EVIL\",\"correlation\":true,\"hash\":\"EVIL\",\"hits\":5000},{\"rule_id\":"
     "\"EVIL\","
     "\"hits\":0}],\"kept\":100,\"found\":[{\"id\":77,\"record\":9,\"time_ns\":1795219000000000000,\"host\":\"EVIL\","
     "\"account\":\"EVIL\",\"address\":\"EVIL\",\"text\":\"EVIL\",\"rule_id\":\"EVIL\",\"title\":\"EVIL\",\"incident\":"
     "0},"
     "{\"id\":76,\"record\":8,\"rule_id\":\"EVIL\",\"incident\":6,\"number\":\"EVIL\"}]}}"},
    {"hunt.start", "{\"ok\":true,\"id\":5}"},
    {"hunt.stop", "{\"ok\":true}"},
    {"hunt.open", "{\"ok\":true,\"incident\":6}"},
    {"rule.coverage",
     "{\"ok\":true,\"totals\":{\"techniques\":1,\"subs\":1,\"telemetry\":1,\"fired\":1,\"rules\":2,\"unmapped\":1},"
     "\"tactics\":[{\"key\":\"EVIL\",\"techniques\":[{\"id\":\"EVIL\",\"name\":\"EVIL\",\"loaded\":2,\"telemetry\":1,"
     "\"fired\":1,\"hits\":5,\"subs\":[{\"id\":\"EVIL\",\"loaded\":1,\"telemetry\":0,\"fired\":0,\"hits\":0}]}]},"
     "{\"key\":\"impact\",\"techniques\":[]},{\"key\":\"defense-evasion\",\"techniques\":[]}]}"},
    {"coverage.list",
     "{\"ok\":true,\"days\":7,\"sources\":[{\"id\":\"EVIL\",\"kind\":\"EVIL\",\"name\":\"EVIL\",\"host\":\"EVIL\","
     "\"object_id\":1,\"object\":\"EVIL\",\"known_ns\":1795219893000000000,\"due\":true,\"records\":9,"
     "\"classes\":[\"os\",\"EVIL\"],\"set\":[],\"missing\":3}],\"objects\":[{\"id\":1,\"name\":\"EVIL\","
     "\"sources\":1,\"with_missing\":1,\"missing\":3}],\"totals\":{\"sources\":1,\"listed\":1,"
     "\"with_missing\":1,\"missing\":3,\"waiting\":0,\"lost\":4}}"},
    {"coverage.object",
     "{\"ok\":true,\"object_id\":1,\"object\":\"EVIL\",\"matrix\":[{\"class\":\"EVIL\",\"sources\":1,\"rows\":["
     "{\"what\":\"EVIL\",\"key\":\"EVIL\",\"must\":\"EVIL\",\"paragraph\":\"EVIL\",\"seen\":0,\"missing\":1}]}]}"},
    {"coverage.source",
     "{\"ok\":true,\"days\":7,\"source\":{\"id\":\"EVIL\",\"kind\":\"EVIL\",\"name\":\"EVIL\",\"host\":\"EVIL\","
     "\"object_id\":1,\"object\":\"EVIL\",\"known_ns\":1795219893000000000,\"due\":true,\"records\":9,"
     "\"classes\":[\"os\"],\"set\":[\"os\"],\"missing\":3,\"reason\":\"EVIL\",\"who\":\"EVIL\",\"changed_ns\":1,"
     "\"may_change\":true,\"derived\":[{\"class\":\"EVIL\",\"records\":9}],\"matrix\":[{\"class\":\"EVIL\","
     "\"records\":9,\"without_kind\":1,\"missing\":3,\"rows\":[{\"what\":\"kind\",\"key\":\"EVIL\","
     "\"must\":\"EVIL\",\"paragraph\":\"EVIL\",\"state\":\"missing\",\"records\":0,\"of\":9,\"per_day\":0.5,"
     "\"first_ns\":0,\"last_ns\":0,\"switch_on\":[\"EVIL\"]},{\"what\":\"field\",\"key\":\"EVIL\","
     "\"must\":\"always\",\"paragraph\":\"EVIL\",\"state\":\"seen\",\"records\":5,\"of\":9,\"per_day\":5,"
     "\"first_ns\":1,\"last_ns\":1795219893000000000,\"switch_on\":[]},{\"what\":\"form\",\"key\":\"utf8\","
     "\"must\":\"always\",\"paragraph\":\"7\",\"state\":\"EVIL\",\"records\":5,\"of\":9,\"per_day\":5,"
     "\"first_ns\":1,\"last_ns\":2,\"switch_on\":[\"rsyslog.conf\"]}],\"formats\":[{\"parser\":\"EVIL\","
     "\"records\":9}]}]}}"},
    {"coverage.set", "{\"ok\":true}"},
    {"parser.list",
     "{\"ok\":true,\"days\":14,\"sources\":[{\"id\":\"EVIL\",\"kind\":\"EVIL\",\"name\":\"EVIL\",\"host\":\"EVIL\","
     "\"records\":1000,\"parsed\":973,\"last_ns\":1,\"unparsed_ns\":1795219893000000000,\"unparsed_record\":9,"
     "\"outcomes\":{\"pattern\":970,\"fields\":3,\"header\":20,\"encoding\":7},\"parsers\":[{\"parser\":\"EVIL\","
     "\"records\":970,\"last_ns\":1}]},{\"id\":\"00\",\"name\":\"\",\"records\":0}],\"totals\":{\"sources\":300,"
     "\"records\":1000,\"parsed\":973}}"},
    {"parser.source",
     "{\"ok\":true,\"days\":14,\"source\":{\"id\":\"EVIL\",\"records\":8,\"parsed\":4,\"by_day\":[{\"day_ns\":"
     "1795219200000000000,\"records\":8,\"parsed\":4}]}}"},
    {"parser.drafts",
     "{\"ok\":true,\"may_change\":true,\"kinds\":[\"\",\"sign_in\",\"EVIL\"],\"drafts\":[{\"name\":\"EVIL\","
     "\"version\":2,\"program\":\"EVIL\",\"pattern\":\"EVIL\",\"kind\":\"EVIL\",\"outcome\":\"EVIL\",\"set\":\"EVIL\","
     "\"sample\":\"</textarea>EVIL\",\"who\":\"EVIL\",\"reason\":\"EVIL\",\"made_ns\":1795219893000000000,"
     "\"stands\":true,\"used_version\":1,\"used_by\":\"EVIL\",\"used_ns\":1795219893000000000,"
     "\"before_version\":3}],\"patterns_behind\":[{\"process\":\"EVIL\",\"since_ns\":1795219893000000000,"
     "\"reason\":\"EVIL\"}]}"},
    {"parser.save", "{\"ok\":true,\"name\":\"door\",\"version\":1}"},
    {"parser.end", "{\"ok\":true}"},
    {"parser.use", "{\"ok\":true,\"name\":\"door\",\"version\":2}"},
    {"parser.stop", "{\"ok\":true}"},
    {"parser.versions",
     "{\"ok\":true,\"may_change\":true,\"name\":\"EVIL\",\"used_version\":1,\"versions\":[{\"version\":2,"
     "\"program\":\"EVIL\",\"pattern\":\"EVIL\",\"kind\":\"EVIL\",\"outcome\":\"EVIL\",\"set\":\"EVIL\",\"who\":"
     "\"EVIL\",\"reason\":\"EVIL\",\"made_ns\":1795219893000000000,\"ended_ns\":0},{\"version\":1,\"program\":\"p\","
     "\"pattern\":\"a\",\"who\":\"w\",\"reason\":\"r\",\"made_ns\":1795219893000000000}],\"uses\":[{\"version\":1,"
     "\"who\":\"EVIL\",\"reason\":\"EVIL\",\"from_ns\":1795219893000000000,\"ended_ns\":0,\"record\":77},"
     "{\"version\":2,\"who\":\"EVIL\",\"reason\":\"EVIL\",\"from_ns\":1795219893000000000,"
     "\"ended_ns\":1795219894000000000,\"ended_by\":\"EVIL\",\"ended_why\":\"EVIL\",\"record\":0}]}"},
    {"parse.lines",
     "{\"ok\":true,\"looked\":900,\"given\":3,\"next_before\":7,\"picked\":1,\"program\":\"EVIL\",\"pattern\":\"EVIL\","
     "\"fits\":1,\"captures\":[{\"name\":\"EVIL\",\"kind\":\"EVIL\"},{\"name\":\"kv\",\"kind\":\"kv\"}],\"lines\":["
     "{\"record\":9,\"received_ns\":1795219893000000000,\"raw\":\"EVIL\",\"cut\":true,"
     "\"grasp\":\"pattern\",\"parser\":\"EVIL\",\"program\":\"EVIL\",\"message\":\"EVIL\",\"head\":\"EVIL\","
     "\"family\":\"EVIL\",\"id\":\"EVIL\",\"pattern\":\"EVIL\",\"parts\":[{\"text\":\"EVIL\"},{\"text\":\"EVIL\","
     "\"field\":\"EVIL\"}],\"statutory\":{\"account\":\"EVIL\",\"EVIL\":\"EVIL\"},\"fields\":[{\"name\":\"EVIL\","
     "\"value\":\"EVIL\"}],\"draft\":{\"asked\":true,\"fits\":true,\"parts\":[{\"text\":\"EVIL\",\"field\":\"EVIL\"}]}}"
     ","
     "{\"raw\":\"EVIL\",\"grasp\":\"EVIL\",\"message\":\"EVIL\",\"head\":\"EVIL\",\"near\":{\"family\":\"EVIL\","
     "\"id\":\"EVIL\",\"text\":\"EVIL\",\"stop\":{\"why\":\"literal\",\"byte\":4,\"read\":\"EVIL\",\"rest\":\"EVIL\","
     "\"wanted\":\"EVIL\",\"wanted_kind\":\"EVIL\"}},\"draft\":{\"asked\":true,\"fits\":false,\"stop\":{\"why\":"
     "\"capture\",\"byte\":4,\"read\":\"EVIL\",\"rest\":\"EVIL\",\"wanted\":\"EVIL\",\"wanted_kind\":\"ip\"}}},"
     "{\"raw\":\"EVIL\",\"draft\":{\"fits\":false,\"asked\":false}}]}"},
    {"loss.list",
     "{\"ok\":true,\"may_explain\":true,\"totals\":{\"listed\":250,\"open\":2,\"going_on\":1,\"records\":7,"
     "\"bytes\":9,\"connections\":1,\"unknown\":1},\"causes\":[{\"cause\":\"EVIL\",\"unit\":\"EVIL\",\"losses\":2,"
     "\"open\":1,\"count\":7,\"unknown\":true}],\"objects\":[{\"id\":1,\"name\":\"EVIL\",\"losses\":2,\"open\":1,"
     "\"sources\":1}],\"days\":[{\"from_ns\":1795219893000000000,\"losses\":2,\"open\":0,\"sources\":1}],"
     "\"rhythm\":{\"sources\":4,\"learning\":1},\"losses\":[{\"id\":4,\"source\":\"EVIL\",\"cause\":\"EVIL\","
     "\"unit\":\"EVIL\",\"kind\":\"EVIL\",\"name\":\"EVIL\",\"host\":\"EVIL\",\"object_id\":1,\"object\":\"EVIL\","
     "\"count\":7,\"unknown\":false,\"from_ns\":1795219893000000000,\"to_ns\":1795219993000000000,\"first\":3,"
     "\"last\":5,\"explanation\":\"\",\"who\":\"\",\"explained_ns\":0},{\"id\":3,\"source\":\"EVIL\",\"cause\":"
     "\"silent\",\"unit\":\"records\",\"kind\":\"udp\",\"name\":\"\",\"host\":\"EVIL\",\"object_id\":1,\"object\":"
     "\"EVIL\",\"count\":0,\"unknown\":true,\"from_ns\":1795219893000000000,\"to_ns\":0,\"first\":-1,\"last\":-1,"
     "\"explanation\":\"EVIL\",\"who\":\"EVIL\",\"explained_ns\":1795219893000000000}]}"},
    {"loss.explain", "{\"ok\":true}"},
    {"rule.packs",
     "{\"ok\":true,\"may_change\":true,\"packs\":[{\"name\":\"EVIL\",\"version\":\"EVIL\",\"source\":\"EVIL\","
     "\"licence\":\"EVIL\",\"signature\":\"EVIL\",\"signer\":\"EVIL\",\"imported_ns\":1795219893000000000,"
     "\"files\":4,\"digest\":\"EVIL\",\"rules\":4,\"refused\":1,\"active\":1,\"test\":1,\"draft\":2,\"off\":0,"
     "\"drafts\":[{\"level\":\"EVIL\",\"stable\":1,\"test\":1,\"other\":0}],"
     "\"next\":{\"version\":\"EVIL\",\"source\":\"EVIL\",\"signature\":\"EVIL\",\"signer\":\"EVIL\",\"imported_ns\":1,"
     "\"files\":5,\"hunt\":8,\"state\":\"done\",\"permille\":1000,\"changes\":3,\"gained\":7,\"lost\":2}}],\"days\":"
     "62}"},
    {"rule.activate", "{\"ok\":true,\"changed\":2}"},
    {"inventory.list",
     "{\"ok\":true,\"total\":300,\"hosts\":[{\"agent\":\"EVIL\",\"name\":\"EVIL\",\"host\":\"EVIL\",\"obje"
     "ct\":\"EVIL\",\"os\":\"EVIL\",\"kernel\":\"EVIL\",\"vendor\":\"EVIL\",\"model\":\"EVIL\",\"serial\":"
     "\"EVIL\",\"object_id\":1,\"items\":300,\"full\":2,\"heard_ns\":1795219893000000000,\"changed_ns\":17"
     "95219893000000000,\"whole_ns\":1795219893000000000}]}"},
    {"inventory.search",
     "{\"ok\":true,\"total\":300,\"cut\":true,\"found\":[{\"key\":\"EVIL\",\"item\":\"EVIL\",\"version\":"
     "\"EVIL\",\"also\":\"EVIL\",\"value\":{\"EVIL\":\"EVIL\",\"list\":[\"EVIL\",\"b\"],\"n\":7},\"since_n"
     "s\":1795219893000000000,\"agent\":\"EVIL\",\"name\":\"EVIL\",\"host\":\"EVIL\",\"object\":\"EVIL\"}]"
     "}"},
    {"inventory.show",
     "{\"ok\":true,\"may_ask\":true,\"host\":{\"agent\":\"EVIL\",\"name\":\"EVIL\",\"host\":\"EVIL\",\"obj"
     "ect\":\"EVIL\",\"os\":\"EVIL\",\"kernel\":\"EVIL\",\"vendor\":\"EVIL\",\"model\":\"EVIL\",\"serial\""
     ":\"EVIL\",\"object_id\":1,\"items\":300,\"full\":2,\"heard_ns\":1795219893000000000,\"changed_ns\":1"
     "795219893000000000,\"whole_ns\":1795219893000000000},\"kinds\":[{\"kind\":\"port\",\"whole_ns\":1,\""
     "items\":2},{\"kind\":\"EVIL\"}],\"total\":9000,\"items\":[{\"kind\":\"EVIL\",\"key\":\"EVIL\",\"valu"
     "e\":{\"EVIL\":\"EVIL\",\"list\":[\"EVIL\",\"b\"],\"n\":7},\"now\":{\"free\":7},\"since_ns\":17952198"
     "93000000000}]}"},
    {"inventory.changes",
     "{\"ok\":true,\"changes\":[{\"id\":1,\"time_ns\":1795219893000000000,\"record\":7,\"change\":\"EVIL\""
     ",\"found\":true,\"agent\":\"EVIL\",\"name\":\"EVIL\",\"kind\":\"EVIL\",\"key\":\"EVIL\",\"value\":{"
     "\"EVIL\":\"EVIL\",\"list\":[\"EVIL\",\"b\"],\"n\":7},\"before\":{\"EVIL\":\"EVIL\",\"list\":[\"EVIL"
     "\",\"b\"],\"n\":7}}]}"},
    {"inventory.object",
     "{\"ok\":true,\"name\":\"EVIL\",\"owner\":\"EVIL\",\"class\":1,\"contour\":\"EVIL\",\"agents\":3,\"ho"
     "sts\":[{\"agent\":\"EVIL\",\"name\":\"EVIL\",\"host\":\"EVIL\",\"object\":\"EVIL\",\"os\":\"EVIL\","
     "\"kernel\":\"EVIL\",\"vendor\":\"EVIL\",\"model\":\"EVIL\",\"serial\":\"EVIL\",\"object_id\":1,\"ite"
     "ms\":300,\"full\":2,\"heard_ns\":1795219893000000000,\"changed_ns\":1795219893000000000,\"whole_ns\""
     ":1795219893000000000,\"domain\":\"EVIL\",\"cpu\":\"EVIL\",\"memory\":2048,\"packages\":7,\"addresses"
     "\":[\"EVIL\",\"b\"],\"listens\":[\"EVIL\",\"b\"]}]}"},
    {"inventory.ask", "{\"ok\":true}"},
    {"agent.list",
     "{\"ok\":true,\"total\":300,\"may_change\":true,\"on\":true,\"servers\":\"EVIL\",\"silent_s\":300,"
     "\"totals\":{\"agents\":3,\"connected\":1,\"silent\":1,\"revoked\":1,\"contradicts\":1},\"agents\":[{"
     "\"agent\":\"EVIL\",\"name\":\"EVIL\",\"group\":\"EVIL\",\"object\":\"EVIL\",\"object_id\":1,\"state\":"
     "\"silent\",\"host\":\"EVIL\",\"address\":\"EVIL\",\"program\":\"EVIL\",\"until_ns\":1797219893000000000,"
     "\"enrolled_ns\":1795219893000000000,\"heard_ns\":1795219893000000000,\"connected_ns\":1795219893000000000,"
     "\"offset_us\":-2500400,\"error_us\":1500,\"records\":7,\"bytes\":900,\"policy\":3,\"spool_bytes\":90,"
     "\"spool_max\":100,\"policy_wanted\":4},{\"agent\":\"EVIL\",\"name\":\"EVIL\",\"state\":\"EVIL\"}],"
     "\"groups\":[\"EVIL\"],\"tokens\":[{\"id\":5,\"name\":\"EVIL\",\"group\":\"EVIL\",\"object\":\"EVIL\",\"who\":"
     "\"EVIL\",\"made_ns\":1795219893000000000,\"until_ns\":1795221693000000000},{\"id\":6,\"name\":\"\"}]}"},
    {"agent.show",
     "{\"ok\":true,\"may_change\":true,\"agent\":{\"agent\":\"EVIL\",\"name\":\"EVIL\",\"group\":\"EVIL\","
     "\"object\":\"EVIL\",\"object_id\":1,\"state\":\"connected\",\"host\":\"EVIL\",\"relay\":\"EVIL\",\"address\":"
     "\"EVIL\","
     "\"program\":\"EVIL\",\"until_ns\":1797219893000000000,\"enrolled_ns\":1795219893000000000,\"heard_ns\":"
     "1795219893000000000,\"connected_ns\":1795219893000000000,\"offset_us\":2500,\"error_us\":1500,\"policy\":3,"
     "\"spool_bytes\":0,\"spool_max\":0,\"policy_wanted\":3,\"serial\":\"EVIL\",\"key\":\"EVIL\",\"spool\":\"EVIL\","
     "\"boot\":\"EVIL\",\"enrolled_by\":\"EVIL\",\"revoked_by\":\"EVIL\",\"revoked_why\":\"EVIL\",\"revoked_ns\":"
     "1795219893000000000,\"status\":{\"note\":\"EVIL\",\"files\":[1,2]}},\"canary\":{\"hop\":\"EVIL\",\"seen_ns\":5,"
     "\"every_s\":300,\"nonce\":\"EVIL\",\"recent\":[{\"record\":77,\"made_ns\":1795219893000000000,\"receive_us\":"
     "4200,"
     "\"store_us\":6100,\"judge_us\":21000,\"deliver_us\":53200,\"total_us\":84500}]},\"time\":{\"lost_ns\":"
     "1795219893000000000,\"lost\":true,\"choice\":\"foreign\",\"error_us\":2500000,\"daemon\":\"EVIL\",\"servers\":"
     "\"EVIL\"},"
     "\"groups\":[\"EVIL\"]}"},
    {"agent.token", "{\"ok\":true,\"id\":7,\"until_ns\":1795221693000000000,\"token\":\"EVIL\"}"},
    {"agent.token_end", "{\"ok\":true}"},
    {"agent.revoke", "{\"ok\":true}"},
    {"agent.save", "{\"ok\":true}"},
    {"policy.list",
     "{\"ok\":true,\"may_change\":true,\"groups\":[{\"group\":\"EVIL\",\"agents\":3,\"behind\":1,\"in_force\":4,"
     "\"newest\":5,\"error\":\"EVIL\"},{\"group\":\"EVIL\",\"newest\":1},{\"group\":\"EVIL\",\"in_force\":2,"
     "\"newest\":2}]}"},
    {"policy.get",
     "{\"ok\":true,\"may_change\":true,\"group\":\"EVIL\",\"in_force\":4,\"version\":4,\"text\":\"{\\\"a\\\":"
     "\\\"EVIL\\\"}\",\"before\":3,\"before_text\":\"{\\\"a\\\":1}\",\"versions\":[{\"version\":5,\"was\":3,"
     "\"made_ns\":1795219893000000000,\"who\":\"EVIL\",\"reason\":\"EVIL\",\"signed\":false,\"error\":\"EVIL\","
     "\"record\":-1},{\"version\":4,\"was\":0,\"made_ns\":1795219893000000000,\"who\":\"EVIL\",\"reason\":\"EVIL\","
     "\"signed\":true,\"record\":9}]}"},
    {"policy.save", "{\"ok\":true,\"version\":6}"},
    {"policy.roll_back", "{\"ok\":true,\"version\":6}"},
    {"mirror.checkpoint", "{\"ok\":true,\"name\":\"m\",\"tell\":false,\"note\":\"EVIL\"}"},
    {"mirror.segment", "{\"ok\":true,\"name\":\"m\",\"tell\":true}\n{bytes}\n"},
    {"mirror.enter", "{\"ok\":true,\"name\":\"m\",\"tell\":true}"},
    {"report.make", "{\"ok\":true,\"id\":3,\"sha256\":\"EVIL\",\"bytes\":7,\"left_out\":0}"},
    {"draw", "{\"ok\":true}\n%PDF-1.5 EVIL"},
    {"report.list",
     "{\"ok\":true,\"total\":101,\"may_make\":true,\"reports\":[{\"id\":3,\"number\":\"EVIL\",\"kind\":\"EVIL\","
     "\"object_id\":1,"
     "\"object\":\"EVIL\",\"from_ns\":1795219893000000000,\"to_ns\":1795219893000000001,\"made_ns\":"
     "1795219893000000001,"
     "\"who\":\"EVIL\",\"archive_size\":7,\"edition\":\"EVIL\",\"sha256\":\"EVIL\",\"bytes\":7,\"left_out\":1,"
     "\"record\":9}]}"},
    {"report.get",
     "{\"ok\":true,\"report\":{\"id\":3,\"number\":\"EVIL\",\"kind\":\"EVIL\",\"object\":\"EVIL\",\"who\":\"EVIL\","
     "\"from_ns\":1795219893000000000,\"to_ns\":1795219893000000001,\"made_ns\":1795219893000000000,\"edition\":"
     "\"EVIL\","
     "\"sha256\":\"EVIL\",\"left_out\":1,\"record\":9},\"content\":{\"archive_size\":1,\"edition\":\"EVIL\",\"object\":"
     "\"EVIL\","
     "\"paragraph\":{\"en\":\"EVIL\",\"kk\":\"EVIL\",\"ru\":\"EVIL\"},\"sections\":[{\"columns\":[[\"kind\",\"kind\"],"
     "[\"total\",\"number\"],[\"EVIL\",\"EVIL\"],[\"text\",\"text\"],[\"detected\",\"time\"],[\"late_by\",\"span\"],"
     "[\"term\",\"said\"]],\"key\":\"EVIL\",\"rows\":[[\"EVIL\",5,\"EVIL\",\"EVIL\",1795219893,7,{\"en\":\"EVIL\","
     "\"kk\":\"EVIL\",\"ru\":\"EVIL\"}],[5,\"EVIL\",7,{},[],null,\"EVIL\"],[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]],"
     "\"rows_left_out\":2,\"totals\":[\"\",5,\"EVIL\",\"\",\"\",\"\",\"\"]},{\"columns\":[],\"key\":\"events\","
     "\"rows\":[]}]}}"},
    {"metrics.get", "{\"ok\":true,\"terms_running\":3,\"incidents\":[{\"severity\":4,\"count\":2}]}"},
    {"token.list",
     "{\"ok\":true,\"may_change\":true,\"may\":[\"read\",\"EVIL\"],\"tokens\":[{\"id\":1,\"name\":\"EVIL\",\"user\":"
     "\"EVIL\","
     "\"scopes\":[\"read\",\"EVIL\"],\"addresses\":\"EVIL\",\"used_address\":\"EVIL\",\"used_ns\":1795215693000000000,"
     "\"made_ns\":1795215693000000000,\"until_ns\":1895215693000000000,\"ended_ns\":0},{\"id\":2,\"name\":\"b\","
     "\"user\":\"c\",\"ended_ns\":1795215693000000000,\"ended_by\":\"EVIL\"}]}"},
    {"token.make", "{\"ok\":true,\"id\":7,\"until_ns\":1795221693000000000,\"token\":\"EVIL\"}"},
    {"token.end", "{\"ok\":true}"},
    {"token.check",
     "{\"ok\":true,\"token\":5,\"name\":\"ci\",\"user\":\"ann\",\"role\":\"analyst\",\"language\":\"en\"}"},
    {"mirror.used", "{\"ok\":true}"},
    {"mirror.refused", "{\"ok\":true}"},
    {"mirror.report", "{\"ok\":true,\"cosign\":7}"},
    {"mirror.cosign", "{\"ok\":true}"},
    {NULL, NULL},
};

#endif
