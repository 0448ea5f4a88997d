#include "desk/card.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"

#include <string.h>

enum value_kind { CARD_TEXT, CARD_NUMBER, CARD_FLAG, CARD_DAY };

static const struct {
    const char *name;
    enum value_kind kind;
} settings[CARD_SETTING_COUNT] = {
#define X(id, name, kind) [id] = {#name, kind},
    CARD_SETTINGS(X)
#undef X
};

/* What a cell may be. */
enum cell_kind { CELL_LINE, CELL_NAME, CELL_CHOICE, CELL_DAY, CELL_ADDRESSES, CELL_SHA256 };

struct column {
    const char *name;
    enum cell_kind kind;
    size_t limit;
    const char *values; /* of a choice; an empty value is the first one */
};

static const struct list {
    const char *name;
    size_t max;
    const char *select, *remove, *insert;
    struct column column[CARD_COLUMNS_MAX];
} lists[CARD_LIST_COUNT] = {
    [CARD_CONTACTS] = {"contacts",
                       50,
                       "SELECT name, email, phone, post, since FROM contact WHERE object = ?1 ORDER BY place",
                       "DELETE FROM contact WHERE object = ?1",
                       "INSERT INTO contact (object, place, name, email, phone, post, since)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                       {{"name", CELL_LINE, DESK_NAME_MAX, NULL},
                        {"email", CELL_LINE, DESK_NAME_MAX, NULL},
                        {"phone", CELL_LINE, DESK_NAME_MAX, NULL},
                        {"post", CELL_LINE, DESK_NAME_MAX, NULL},
                        {"since", CELL_DAY, 10, NULL}}},
    [CARD_ASSETS] = {"assets",
                     500,
                     "SELECT kind, pattern FROM asset WHERE object = ?1 ORDER BY place",
                     "DELETE FROM asset WHERE object = ?1",
                     "INSERT INTO asset (object, place, kind, pattern) VALUES (?1, ?2, ?3, ?4)",
                     {{"kind", CELL_LINE, 16, NULL}, {"pattern", CELL_LINE, 1024, NULL}}},
    [CARD_MEANS] =
        {"means",
         500,
         "SELECT kind, name, purpose, version, addresses, domains, reserve FROM object_means"
         " WHERE object = ?1 ORDER BY place",
         "DELETE FROM object_means WHERE object = ?1",
         "INSERT INTO object_means (object, place, kind, name, purpose, version, addresses, domains, reserve)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
         {{"kind", CELL_CHOICE, 16, "technical,software,protection"},
          {"name", CELL_NAME, DESK_NAME_MAX, NULL},
          {"purpose", CELL_LINE, 500, NULL},
          {"version", CELL_LINE, 100, NULL},
          {"addresses", CELL_ADDRESSES, 500, NULL},
          {"domains", CELL_LINE, 500, NULL},
          {"reserve", CELL_CHOICE, 3, "no,yes"}}},
    [CARD_DOCUMENTS] = {"documents",
                        200,
                        "SELECT kind, title, approved, approved_by, file, sha256, kept FROM object_document"
                        " WHERE object = ?1 ORDER BY place",
                        "DELETE FROM object_document WHERE object = ?1",
                        "INSERT INTO object_document (object, place, kind, title, approved, approved_by, file, sha256,"
                        " kept) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                        {{"kind", CELL_CHOICE, 16,
                          "logical_scheme,physical_scheme,trial_act,industrial_act,protocol,"
                          "letter,other"},
                         {"title", CELL_NAME, DESK_NAME_MAX, NULL},
                         {"approved", CELL_DAY, 10, NULL},
                         {"approved_by", CELL_LINE, DESK_NAME_MAX, NULL},
                         {"file", CELL_LINE, DESK_NAME_MAX, NULL},
                         {"sha256", CELL_SHA256, 64, NULL},
                         {"kept", CELL_LINE, DESK_NAME_MAX, NULL}}},
};

const char *card_list_name(enum card_list list)
{
    ASSERT(list < CARD_LIST_COUNT);
    return lists[list].name;
}

/* --- days --- */

bool card_day_read(struct str text, int64_t *ret_day)
{
    static const size_t from[] = {0, 5, 8}, to[] = {4, 7, 10};
    uint64_t part[3] = {0};
    if (text.n != 10 || text.p[4] != '-' || text.p[7] != '-')
        return false;
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = from[i]; k < to[i]; k++)
            if (!char_is_digit(text.p[k]))
                return false;
        if (!str_to_u64(str_slice(text, from[i], to[i]), &part[i]))
            return false;
    }
    const struct civil civil = {.year = (int32_t)part[0], .month = (int32_t)part[1], .day = (int32_t)part[2]};
    if (civil.year < 1991 || civil.year > 2199 || !civil_valid(&civil))
        return false;
    *ret_day = civil_to_days(civil.year, civil.month, civil.day);
    return true;
}

struct str card_day_text(struct ask *ask, int64_t zone_offset_s, int64_t ns)
{
    char text[CIVIL_TEXT_MAX];
    civil_format(ns, (int32_t)zone_offset_s, 0, text);
    struct str day = arena_str(ask->arena, str_at(text, 10));
    return day.p ? day : STR("");
}

int64_t card_number(const struct card *card, enum card_setting setting)
{
    int64_t number = 0;
    if (settings[setting].kind == CARD_DAY)
        return card_day_read(card->setting[setting], &number) ? number : 0;
    return str_to_i64(card->setting[setting], &number) ? number : 0;
}

/* --- load --- */

static struct str number_text(struct ask *ask, int64_t number)
{
    char storage[24];
    struct buf text;
    buf_init_fixed(&text, storage, sizeof storage);
    buf_format(&text, "%lld", (long long)number);
    struct str copy = arena_str(ask->arena, buf_view(&text));
    return copy.p ? copy : STR("0");
}

static struct str text_copy(struct db_query *q, struct arena *arena)
{
    struct str text = db_text_copy(q, arena);
    return text.n ? text : STR("");
}

static bool card_init(struct ask *ask, struct card *card)
{
    *card = (struct card){0};
    for (size_t i = 0; i < CARD_SETTING_COUNT; i++)
        card->setting[i] = settings[i].kind == CARD_NUMBER || settings[i].kind == CARD_FLAG ? STR("0") : STR("");
    card->setting[CARD_CLASS] = STR("3");
    card->setting[CARD_CONTOUR] = STR("internal");
    card->setting[CARD_ZONE] = number_text(ask, ask->desk->zone_offset_s);
    for (size_t i = 0; i < QUESTIONNAIRE_MAX; i++)
        card->field[i] = STR("");
    for (size_t list = 0; list < CARD_LIST_COUNT; list++) {
        card->row[list] = arena_alloc_array(ask->arena, lists[list].max, sizeof *card->row[list]);
        if (!card->row[list]) {
            ask_refuse(ask, "too_large", "no memory for a card");
            return false;
        }
    }
    return true;
}

static void list_load(struct ask *ask, struct card *card, enum card_list list)
{
    struct db_query q = db_query(ask->desk->db, lists[list].select);
    db_put_i64(&q, card->id);
    while (card->count[list] < lists[list].max && db_next(&q)) {
        struct card_row *row = &card->row[list][card->count[list]++];
        for (size_t i = 0; i < CARD_COLUMNS_MAX; i++)
            row->cell[i] = lists[list].column[i].name ? text_copy(&q, ask->arena) : STR("");
    }
    db_query_end(&q);
}

bool card_load(struct ask *ask, int64_t id, struct card *ret_card)
{
    struct card *card = ret_card;
    if (!card_init(ask, card) || id == 0)
        return !ask->error;
    struct db_query q = db_query(ask->desk->db, "SELECT id, version, name, class, contour, owner, zone_offset_s,"
                                                " keep_days, critical, critical_day, private, trial_day, trial_end_day,"
                                                " industrial_day, discontinued_day FROM object WHERE id = ?1");
    db_put_i64(&q, id);
    if (!db_next(&q))
        return false;
    card->id = db_i64(&q);
    card->version = db_i64(&q);
    for (size_t i = 0; i < CARD_SETTING_COUNT; i++) {
        bool text = settings[i].kind == CARD_TEXT || settings[i].kind == CARD_DAY;
        card->setting[i] = text ? text_copy(&q, ask->arena) : number_text(ask, db_i64(&q));
    }
    db_query_end(&q);
    q = db_query(ask->desk->db, "SELECT field, value FROM object_field WHERE object = ?1");
    db_put_i64(&q, id);
    while (db_next(&q)) {
        size_t at = question_find(&ask->desk->questionnaire, db_text(&q));
        struct str value = text_copy(&q, ask->arena);
        if (at < ask->desk->questionnaire.count)
            card->field[at] = value;
    }
    for (size_t list = 0; list < CARD_LIST_COUNT; list++)
        list_load(ask, card, (enum card_list)list);
    return !db_failed(ask->desk->db);
}

/* --- read: settings --- */

static bool text_valid(struct str text, size_t limit)
{
    return text.n <= limit && desk_one_line(text);
}

/* A number in the place of a text would else pass as an empty one. */
static bool is_text(const struct json_value *value)
{
    return !value || value->kind == JSON_STRING || value->kind == JSON_NULL;
}

static void setting_take(struct ask *ask, const struct json_value *value, struct card *card, size_t i)
{
    int64_t day;
    struct str today = card_day_text(ask, card_number(card, CARD_ZONE), ask->now_ns);
    switch (settings[i].kind) {
    case CARD_TEXT:
        if (!is_text(value))
            ask_invalid(ask, settings[i].name, "not a text");
        card->setting[i] = json_str(value, card->setting[i]);
        break;
    case CARD_NUMBER: /* null is none; what is no number is refused where numbers are judged */
        card->setting[i] = number_text(ask, value->kind == JSON_NULL ? 0 : json_int(value, INT32_MIN));
        break;
    case CARD_FLAG:
        if (value->kind != JSON_TRUE && value->kind != JSON_FALSE && value->kind != JSON_NULL)
            ask_invalid(ask, settings[i].name, "neither true nor false");
        card->setting[i] = json_bool(value, !str_is(card->setting[i], "0")) ? STR("1") : STR("0");
        break;
    case CARD_DAY:
        card->setting[i] = json_str(value, STR(""));
        if (!is_text(value) || (card->setting[i].n && !card_day_read(card->setting[i], &day)))
            ask_invalid(ask, settings[i].name, "a day is written 2026-11-20");
        else if (str_compare(card->setting[i], today) > 0)
            ask_invalid(ask, settings[i].name, "the day has not come yet");
        break;
    }
}

/* One that is not changed stays, even if more is asked for by now: whoever changes a contact need not know of it. */
static void settings_check(struct ask *ask, const struct card *was, const struct card *card)
{
    int64_t class = card_number(card, CARD_CLASS), zone = card_number(card, CARD_ZONE);
    int64_t keep_days = card_number(card, CARD_KEEP_DAYS);
    if (str_trim(card->setting[CARD_NAME]).n == 0 || !text_valid(card->setting[CARD_NAME], DESK_NAME_MAX))
        ask_invalid(ask, "name", "the name is empty or too long");
    else if (class < 1 || class > 3)
        ask_invalid(ask, "class", "the class is 1, 2 or 3");
    else if (!desk_catalogue_has(&ask->desk->catalogue, "contour", card->setting[CARD_CONTOUR]))
        ask_invalid(ask, "contour", "no such contour");
    else if (!text_valid(card->setting[CARD_OWNER], DESK_NAME_MAX))
        ask_invalid(ask, "owner", "the owner is too long");
    else if (zone < -12 * HOUR_S || zone > 14 * HOUR_S)
        ask_invalid(ask, "zone_offset_s", "the zone is outside -12:00 to +14:00");
    if (keep_days != card_number(was, CARD_KEEP_DAYS) && !ask->error)
        object_term_check(ask, card->id, keep_days);
}

static void days_check(struct ask *ask, const struct card *card)
{
    static const enum card_setting order[] = {CARD_TRIAL_DAY, CARD_TRIAL_END_DAY, CARD_INDUSTRIAL_DAY,
                                              CARD_DISCONTINUED_DAY};
    int64_t last = 0;
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        int64_t day = card_number(card, order[i]);
        if (day && day < last)
            ask_invalid(ask, settings[order[i]].name, "it is before what it follows");
        last = MAX(last, day);
    }
    if (card_number(card, CARD_TRIAL_END_DAY) && !card_number(card, CARD_TRIAL_DAY))
        ask_invalid(ask, "trial_end_day", "a trial operation ended that never began");
    if (card_number(card, CARD_CRITICAL_DAY) && !card_number(card, CARD_CRITICAL))
        ask_invalid(ask, "critical_day", "the object is not a critically important one");
}

/* --- read: lists --- */

static bool addresses_valid(struct str text)
{
    struct str rest = text;
    while (rest.p && text.n) {
        uint8_t address[16];
        unsigned bits;
        if (!address_read(str_trim(str_cut(&rest, ',')), address, &bits))
            return false;
    }
    return text_valid(text, 500);
}

static bool cell_take(const struct column *column, const struct json_value *value, struct str *ret_cell)
{
    uint8_t digest[32];
    int64_t day;
    struct str text = str_trim(json_str(value, STR("")));
    *ret_cell = text.n ? text : STR("");
    switch (column->kind) {
    case CELL_NAME:
        return text.n > 0 && text_valid(text, column->limit);
    case CELL_CHOICE:
        if (!text.n) {
            struct str values = str_of(column->values);
            *ret_cell = str_cut(&values, ',');
        }
        return question_value_known(str_of(column->values), *ret_cell);
    case CELL_DAY:
        return !text.n || card_day_read(text, &day);
    case CELL_ADDRESSES:
        return addresses_valid(*ret_cell);
    case CELL_SHA256:
        return !text.n || (text.n == 64 && hex_decode(text, digest, sizeof digest));
    case CELL_LINE:
        break;
    }
    return text_valid(text, column->limit);
}

static bool row_take(enum card_list list, const struct json_value *value, struct card_row *row)
{
    const struct column *column = lists[list].column;
    bool good = value->kind == JSON_OBJECT;
    for (size_t i = 0; i < CARD_COLUMNS_MAX; i++) {
        const struct json_value *cell = column[i].name ? json_get(value, column[i].name) : NULL;
        row->cell[i] = STR("");
        if (column[i].name)
            good = cell_take(&column[i], cell, &row->cell[i]) && is_text(cell) && good;
    }
    return good && (list != CARD_ASSETS || asset_valid(row->cell[0], row->cell[1]));
}

static void list_take(struct ask *ask, const struct json_value *in, struct card *card, enum card_list list)
{
    static const char *const wrong[CARD_LIST_COUNT] = {
        [CARD_CONTACTS] = "too many contacts, or one too long, not a text, or with a day that is none",
        [CARD_ASSETS] = "too many rules, or one that is neither host pattern nor network",
        [CARD_MEANS] = "too many means, or one without a name, too long, not a text, or with addresses that are none",
        [CARD_DOCUMENTS] = "too many documents, or one without a title, too long, no text, or with a bad day or digest",
    };
    bool good = in->kind == JSON_ARRAY && in->count <= lists[list].max;
    card->count[list] = 0;
    for (const struct json_value *value = good ? json_first(in) : NULL; value; value = value->next)
        good = row_take(list, value, &card->row[list][card->count[list]++]) && good;
    if (!good)
        ask_invalid(ask, lists[list].name, wrong[list]);
}

/* --- read: the questionnaire --- */

bool card_field_kept(const struct question_field *field)
{
    return field->kind <= QUESTION_CHOICE && !str_is(field->id, "name") && !str_is(field->id, "owner");
}

static void field_take(struct ask *ask, const struct json_value *value, struct card *card)
{
    const struct questionnaire *q = &ask->desk->questionnaire;
    size_t at = question_find(q, value->key);
    if (at == q->count || !card_field_kept(&q->field[at])) {
        ask_invalid(ask, "fields", "no such field of the questionnaire");
        return;
    }
    const struct question_field *field = &q->field[at];
    struct str text = str_trim(json_str(value, STR("")));
    bool choice = field->kind == QUESTION_CHOICE;
    bool fits = choice                         ? !text.n || question_value_known(field->values, text)
                : field->kind == QUESTION_LINE ? text_valid(text, field->limit)
                                               : text.n <= field->limit && rule_text_valid(text);
    if (value->kind != JSON_STRING || !fits) {
        const char *id = arena_strz(ask->arena, field->id);
        ask_invalid(ask, id ? id : "fields", choice ? "not one of its values" : "too long, or not plain text");
        return;
    }
    card->field[at] = text.n ? text : STR("");
}

bool card_read(struct ask *ask, const struct json_value *in, struct card *card)
{
    const struct card was = *card;
    struct str format = json_str(json_get(in, "format"), STR(CARD_FORMAT));
    if (!str_is(format, CARD_FORMAT))
        ask_invalid(ask, "format", "not the format " CARD_FORMAT);
    for (size_t i = 0; i < CARD_SETTING_COUNT && !ask->error; i++) {
        const struct json_value *value = json_get(in, settings[i].name);
        if (value)
            setting_take(ask, value, card, i);
    }
    settings_check(ask, &was, card);
    days_check(ask, card);
    for (size_t list = 0; list < CARD_LIST_COUNT && !ask->error; list++) {
        const struct json_value *value = json_get(in, lists[list].name);
        if (value)
            list_take(ask, value, card, (enum card_list)list);
    }
    const struct json_value *fields = json_get(in, "fields");
    if (fields && fields->kind != JSON_OBJECT)
        ask_invalid(ask, "fields", "not an object");
    for (const struct json_value *value = json_first(fields); value && !ask->error; value = value->next)
        field_take(ask, value, card);
    return !ask->error;
}

/* --- store --- */

static void settings_store(struct desk *desk, struct card *card)
{
    struct db_query q = db_query(
        desk->db, "INSERT INTO object (id, version, name, class, contour, owner, zone_offset_s, keep_days, critical,"
                  " critical_day, private, trial_day, trial_end_day, industrial_day, discontinued_day)"
                  " VALUES (nullif(?1, 0), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)"
                  " ON CONFLICT (id) DO UPDATE SET version = ?2, name = ?3, class = ?4, contour = ?5, owner = ?6,"
                  " zone_offset_s = ?7, keep_days = ?8, critical = ?9, critical_day = ?10, private = ?11,"
                  " trial_day = ?12, trial_end_day = ?13, industrial_day = ?14, discontinued_day = ?15");
    db_put_i64(&q, card->id);
    db_put_i64(&q, card->version);
    for (size_t i = 0; i < CARD_SETTING_COUNT; i++) {
        if (settings[i].kind == CARD_NUMBER || settings[i].kind == CARD_FLAG)
            db_put_i64(&q, card_number(card, (enum card_setting)i));
        else
            db_put_text(&q, card->setting[i]);
    }
    db_run(&q);
    if (card->id == 0)
        card->id = db_last_id(desk->db);
}

void card_store(struct desk *desk, struct card *card)
{
    settings_store(desk, card);
    db_run_i64(desk->db, "DELETE FROM object_field WHERE object = ?1", card->id);
    for (size_t i = 0; i < desk->questionnaire.count; i++) {
        if (!card->field[i].n)
            continue;
        struct db_query q = db_query(desk->db, "INSERT INTO object_field (object, field, value) VALUES (?1, ?2, ?3)");
        db_put_i64(&q, card->id);
        db_put_text(&q, desk->questionnaire.field[i].id);
        db_put_text(&q, card->field[i]);
        db_run(&q);
    }
    for (size_t list = 0; list < CARD_LIST_COUNT; list++) {
        db_run_i64(desk->db, lists[list].remove, card->id);
        for (size_t n = 0; n < card->count[list]; n++) {
            struct db_query q = db_query(desk->db, lists[list].insert);
            db_put_i64(&q, card->id);
            db_put_i64(&q, (int64_t)n);
            for (size_t i = 0; i < CARD_COLUMNS_MAX && lists[list].column[i].name; i++)
                db_put_text(&q, card->row[list][n].cell[i]);
            db_run(&q);
        }
    }
}

/* --- write --- */

void card_settings_put(struct buf *json, const struct card *card)
{
    for (size_t i = 0; i < CARD_SETTING_COUNT; i++) {
        if (settings[i].kind == CARD_NUMBER)
            json_put_int(json, settings[i].name, card_number(card, (enum card_setting)i));
        else if (settings[i].kind == CARD_FLAG)
            json_put_bool(json, settings[i].name, card_number(card, (enum card_setting)i) != 0);
        else
            json_put_str(json, settings[i].name, card->setting[i]);
    }
}

void card_list_put(struct buf *json, const struct card *card, enum card_list list)
{
    json_write_key(json, lists[list].name);
    json_write_array(json);
    for (size_t n = 0; n < card->count[list]; n++) {
        json_write_object(json);
        for (size_t i = 0; i < CARD_COLUMNS_MAX && lists[list].column[i].name; i++)
            json_put_str(json, lists[list].column[i].name, card->row[list][n].cell[i]);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

/* Fields without a value are written, too: who takes the card in elsewhere empties them. */
void card_put(struct desk *desk, const struct card *card, struct buf *json)
{
    json_put_text(json, "format", CARD_FORMAT);
    card_settings_put(json, card);
    json_write_key(json, "fields");
    json_write_object(json);
    for (size_t i = 0; i < desk->questionnaire.count; i++) {
        const struct question_field *field = &desk->questionnaire.field[i];
        if (!card_field_kept(field))
            continue;
        json_write_key_slice(json, field->id);
        json_write_str(json, card->field[i]);
    }
    json_write_object_end(json);
    for (size_t list = 0; list < CARD_LIST_COUNT; list++)
        card_list_put(json, card, (enum card_list)list);
}
