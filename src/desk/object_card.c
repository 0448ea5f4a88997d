/* object_card.c - an object's card as it is shown, exported, and as it was. */
#include "desk/object.h"

#define VERSIONS_SHOWN 50

static void labels_put(struct buf *json, const struct question_field *field)
{
    json_write_key(json, "label");
    json_write_object(json);
    for (enum term_language language = 0; language < TERM_LANGUAGES; language++)
        json_put_str(json, language_name(language), field->name[language]);
    json_write_object_end(json);
}

/* Whether the annex asks for it, as things stand. */
static bool field_required(const struct desk *desk, const struct card *card, const struct question_field *field)
{
    if (field->required || !field->if_id.n)
        return field->required;
    return str_eq(card->field[question_find(&desk->questionnaire, field->if_id)], field->if_value);
}

static void questionnaire_put(struct ask *ask, const struct card *card)
{
    const struct questionnaire *q = &ask->desk->questionnaire;
    json_write_key(ask->out, "questionnaire");
    json_write_array(ask->out);
    for (size_t i = 0; i < q->count; i++) {
        const struct question_field *field = &q->field[i];
        struct str values = field->values;
        bool required = field_required(ask->desk, card, field);
        json_write_object(ask->out);
        json_put_str(ask->out, "id", field->id);
        json_put_str(ask->out, "point", field->point);
        json_put_text(ask->out, "kind", question_kind_name(field->kind));
        json_put_int(ask->out, "limit", (int64_t)field->limit);
        json_write_key(ask->out, "values");
        json_write_array(ask->out);
        while (values.p && values.n)
            json_write_str(ask->out, str_cut(&values, ','));
        json_write_array_end(ask->out);
        json_put_bool(ask->out, "kept", card_field_kept(field));
        json_put_bool(ask->out, "required", required);
        json_put_bool(ask->out, "missing", required && card_value(ask->desk, card, i).n == 0);
        json_put_str(ask->out, "value", card_value(ask->desk, card, i));
        labels_put(ask->out, field);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

static void draft_put(struct ask *ask, int64_t object)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT time_ns, who, version, card FROM object_draft WHERE object = ?1");
    db_put_i64(&q, object);
    json_write_key(ask->out, "draft");
    if (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "time_ns", db_i64(&q));
        json_put_str(ask->out, "who", db_text(&q));
        json_put_int(ask->out, "version", db_i64(&q));
        json_write_key(ask->out, "card");
        json_write_raw(ask->out, db_text(&q));
        json_write_object_end(ask->out);
    } else {
        json_write_null(ask->out);
    }
    db_query_end(&q);
}

static bool card_asked(struct ask *ask, struct card *card)
{
    int64_t id = ask_int(ask, "id");
    if (id != 0 && card_load(ask, id, card))
        return true;
    ask_refuse(ask, "not_found", "no such object");
    return false;
}

void ask_object_card(struct ask *ask)
{
    struct card card;
    if (!card_asked(ask, &card))
        return;
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_OBJECTS);
    json_write_key(ask->out, "object");
    json_write_object(ask->out);
    json_put_int(ask->out, "id", card.id);
    json_put_int(ask->out, "version", card.version);
    card_put(ask->desk, &card, ask->out);
    questionnaire_put(ask, &card);
    draft_put(ask, card.id);
    object_acts_put(ask, card.id);
    object_offers_put(ask, &card);
    clocks_put_next(ask->desk, ask->out, SUBJECT_OBJECT, card.id);
    clocks_put(ask->desk, ask->out, SUBJECT_OBJECT, card.id);
    history_put(ask->desk, ask->out, SUBJECT_OBJECT, card.id);
    notices_put(ask->desk, ask->out, SUBJECT_OBJECT, card.id);
    json_write_object_end(ask->out);
}

void ask_object_export(struct ask *ask)
{
    struct card card;
    if (!card_asked(ask, &card))
        return;
    struct str text = object_card_text(ask, &card);
    if (ask->error)
        return;
    json_put_int(ask->out, "version", card.version);
    json_put_str(ask->out, "sha256", object_card_digest(ask, text));
    json_write_key(ask->out, "object");
    json_write_raw(ask->out, text);
}

bool object_draft_end(struct ask *ask, int64_t object)
{
    struct db_query q = db_query(ask->desk->db, "DELETE FROM object_draft WHERE object = ?1 AND time_ns = ?2");
    db_put_i64(&q, object);
    db_put_i64(&q, ask_int(ask, "draft_ns"));
    return db_run(&q) > 0;
}

void ask_object_draft_end(struct ask *ask)
{
    if (!object_draft_end(ask, ask_int(ask, "id")))
        ask_refuse(ask, "object_changed", "there is no such draft any more");
}

/* --- versions --- */

void ask_object_versions(struct ask *ask)
{
    int64_t id = ask_int(ask, "id");
    json_write_key(ask->out, "versions");
    json_write_array(ask->out);
    struct db_query q =
        db_query(ask->desk->db, "SELECT version, time_ns, who, reason, sha256, changes"
                                " FROM object_version WHERE object = ?1 ORDER BY version DESC LIMIT ?2");
    db_put_i64(&q, id);
    db_put_i64(&q, VERSIONS_SHOWN);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "version", db_i64(&q));
        json_put_int(ask->out, "time_ns", db_i64(&q));
        json_put_str(ask->out, "who", db_text(&q));
        json_put_str(ask->out, "reason", db_text(&q));
        json_put_str(ask->out, "sha256", db_text(&q));
        json_put_int(ask->out, "changes", db_i64(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* The card of a version, as it was written then, and what it changed. */
void ask_object_version(struct ask *ask)
{
    struct db_query q = db_query(ask->desk->db, "SELECT time_ns, who, reason, sha256, changes, changed, card"
                                                " FROM object_version WHERE object = ?1 AND version = ?2");
    db_put_i64(&q, ask_int(ask, "id"));
    db_put_i64(&q, ask_int(ask, "version"));
    if (!db_next(&q)) {
        ask_refuse(ask, "not_found", "no such version, or it is no longer kept");
        return;
    }
    json_put_int(ask->out, "version", ask_int(ask, "version"));
    json_put_int(ask->out, "time_ns", db_i64(&q));
    json_put_str(ask->out, "who", db_text(&q));
    json_put_str(ask->out, "reason", db_text(&q));
    json_put_str(ask->out, "sha256", db_text(&q));
    json_put_int(ask->out, "changes_count", db_i64(&q));
    json_write_key(ask->out, "changes");
    json_write_raw(ask->out, db_text(&q));
    json_write_key(ask->out, "object");
    json_write_raw(ask->out, db_text(&q));
    db_query_end(&q);
}
