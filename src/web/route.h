/* route.h - which handler answers which path. One row a method and path; "*" is one segment, given decoded in args. */
#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include "base/arena.h"
#include "base/str.h"
#include "web/call.h"

enum access {
    ACCESS_OPEN,    /* anybody; no session is looked at */
    ACCESS_EITHER,  /* with the session when there is one */
    ACCESS_SESSION, /* a session, or the sign-in page */
    ACCESS_API,     /* a session, or 401; JSON in and out */
    ACCESS_MIRROR,  /* a mirror's token, which query looks at; no session */
};

enum route_flags {
    ROUTE_UNCHANGED_PASSWORD = 1, /* also while the password must be changed */
    ROUTE_FILE = 2,               /* its body is a file: web_streams. No "*" in its pattern */
    ROUTE_UNENROLLED = 4,         /* also while a second factor must be set up */
    ROUTE_LIST = 8,               /* the file is a list of indicators */
    ROUTE_DOCUMENT = 16,          /* the file is a document's, or a signature beside it */
};

struct route {
    const char *method; /* GET answers HEAD too */
    const char *pattern;
    enum access access;
    unsigned flags;
    void (*handle)(struct web_call *call);
};

enum route_found { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };

/* For ROUTE_NO_PATH and ROUTE_NO_METHOD the route is one that shows that error, and *ret_allow the methods there are.
 */
enum route_found route_find(struct arena *arena, struct str method, struct str path, const struct route **ret_route,
                            struct str ret_args[CALL_ARGS_MAX], const char **ret_allow);

size_t route_count(void);
const struct route *route_at(size_t i);

/* Handlers. */
void page_missing(struct web_call *call);
void page_wrong_method(struct web_call *call);
void page_asset(struct web_call *call);
void page_icon(struct web_call *call);
void page_sign_in(struct web_call *call);
void act_sign_in(struct web_call *call);
void page_sign_in_code(struct web_call *call);
void act_sign_in_code(struct web_call *call);
void act_sign_out(struct web_call *call);
void page_factor(struct web_call *call);
void act_factor_begin(struct web_call *call);
void act_factor_confirm(struct web_call *call);
void act_factor_codes(struct web_call *call);
void act_factor_off(struct web_call *call);
void act_factor_seen(struct web_call *call);
void page_password(struct web_call *call);
void act_password(struct web_call *call);
void act_language(struct web_call *call);
void page_live(struct web_call *call);
void page_search(struct web_call *call);
void page_record(struct web_call *call);
void page_record_proof(struct web_call *call);
void page_explain(struct web_call *call);
void page_record_leaf(struct web_call *call);
void page_proof_sheet(struct web_call *call);
void page_papers(struct web_call *call);
void act_certificate(struct web_call *call);
void act_export(struct web_call *call);
void page_paper(struct web_call *call);
void page_paper_file(struct web_call *call);
void page_incidents(struct web_call *call);
void page_incident_new(struct web_call *call);
void act_incident_new(struct web_call *call);
void page_vulnerabilities(struct web_call *call);
void page_vulnerability(struct web_call *call);
void act_vulnerability(struct web_call *call);
void page_findings_list(struct web_call *call);
void page_terms(struct web_call *call);
void page_term_try(struct web_call *call);
void page_findings(struct web_call *call);
void act_findings(struct web_call *call);
void page_finding_new(struct web_call *call);
void act_finding_new(struct web_call *call);
void page_uploads(struct web_call *call);
void act_upload(struct web_call *call);
void page_upload(struct web_call *call);
void act_upload_accept(struct web_call *call);
void act_upload_drop(struct web_call *call);
void api_upload(struct web_call *call);
void api_list_upload(struct web_call *call); /* page_own_lists.c, as the next */
void act_list_upload(struct web_call *call);
void page_list_file(struct web_call *call); /* page_own_list.c, as the next five */
void act_list_take(struct web_call *call);
void act_list_drop(struct web_call *call);
void page_list(struct web_call *call);
void act_list_end(struct web_call *call);
void act_list_restore(struct web_call *call);
void page_card(struct web_call *call);
void act_card(struct web_call *call);
void told_card(struct web_call *call);
void edit_card(struct web_call *call);
void page_rules(struct web_call *call);
void page_rule(struct web_call *call);
void save_rule(struct web_call *call);
void page_filters(struct web_call *call);
void page_filter_new(struct web_call *call);
void save_filter(struct web_call *call);
void end_filter(struct web_call *call);
void page_rule_edit(struct web_call *call);
void act_rule_edit(struct web_call *call);
void act_rule_end(struct web_call *call);
void page_rule_tried(struct web_call *call);
void page_packs(struct web_call *call);
void act_packs(struct web_call *call);
void act_compare(struct web_call *call);
void page_levels(struct web_call *call);
void act_levels(struct web_call *call);
void act_hunt_start(struct web_call *call);
void page_hunts(struct web_call *call);
void page_hunt(struct web_call *call);
void act_hunt_stop(struct web_call *call);
void act_hunt_open(struct web_call *call);
void page_indicators(struct web_call *call);
void act_indicators_hunt(struct web_call *call);
void page_coverage(struct web_call *call);
void page_annex(struct web_call *call);
void page_canary(struct web_call *call);
void page_changes(struct web_call *call);
void act_change_announce(struct web_call *call);
void act_change_end(struct web_call *call);
void page_hours(struct web_call *call);
void page_losses(struct web_call *call);
void act_loss_explain(struct web_call *call);
void page_annex_source(struct web_call *call);
void act_annex_set(struct web_call *call);
void page_switch_on(struct web_call *call);
void page_navigator(struct web_call *call);
void page_parsers(struct web_call *call);
void page_workbench(struct web_call *call);
void act_workbench(struct web_call *call);
void page_pattern(struct web_call *call);
void act_pattern(struct web_call *call);
void page_patterns(struct web_call *call);
void page_patterns_table(struct web_call *call);
void act_pattern_end(struct web_call *call);
void act_pattern_use(struct web_call *call);
void act_pattern_stop(struct web_call *call);
void page_pattern_versions(struct web_call *call);
void page_reports(struct web_call *call);
void page_report_new(struct web_call *call);
void act_report_make(struct web_call *call);
void page_report(struct web_call *call);
void page_report_file(struct web_call *call);
void page_objects(struct web_call *call);
void page_object(struct web_call *call);
void save_object(struct web_call *call);
void page_object_card(struct web_call *call);
void act_object_card(struct web_call *call);
void page_object_paper(struct web_call *call);
void page_object_list(struct web_call *call);
void act_object_list(struct web_call *call);
void page_object_surveys(struct web_call *call);
void act_object_surveys(struct web_call *call);
void page_surveys(struct web_call *call);
void page_surveys_month(struct web_call *call);
void page_survey_list(struct web_call *call);
void act_survey_list(struct web_call *call);
void page_survey_faults(struct web_call *call);
void page_survey(struct web_call *call);
void act_survey(struct web_call *call);
void page_object_documents(struct web_call *call);
void act_object_documents(struct web_call *call);
void page_document(struct web_call *call);
void act_document(struct web_call *call);
void act_document_add(struct web_call *call);
void page_document_file(struct web_call *call);
void page_document_judgement(struct web_call *call);
void api_document_add(struct web_call *call);
void api_document_file(struct web_call *call);
void page_object_terms(struct web_call *call);
void act_object_terms(struct web_call *call);
void page_object_version(struct web_call *call);
void page_object_exchange(struct web_call *call);
void act_object_exchange(struct web_call *call);
void page_object_export(struct web_call *call);
void page_object_workbook(struct web_call *call);
void page_inventory(struct web_call *call);
void page_inventory_host(struct web_call *call);
void page_inventory_csv(struct web_call *call);
void act_inventory_ask(struct web_call *call);
void page_object_inventory(struct web_call *call);
void page_agents(struct web_call *call);
void act_agent_token(struct web_call *call);
void act_agent_token_end(struct web_call *call);
void page_agent(struct web_call *call);
void act_agent_save(struct web_call *call);
void act_agent_revoke(struct web_call *call);
void page_policies(struct web_call *call);
void act_policy_save(struct web_call *call);
void act_policy_back(struct web_call *call);
void page_channels(struct web_call *call);
void page_channel(struct web_call *call);
void save_channel(struct web_call *call);
void page_users(struct web_call *call);
void page_user(struct web_call *call);
void save_user(struct web_call *call);
void act_factor_policy(struct web_call *call);
void act_factor_reset(struct web_call *call);
void page_archive(struct web_call *call);
void page_checkpoint(struct web_call *call);
void page_sheet(struct web_call *call);
void page_retention(struct web_call *call);
void act_propose(struct web_call *call);
void act_decide(struct web_call *call);
void api_ask(struct web_call *call);
void api_document(struct web_call *call);
void page_metrics(struct web_call *call);
void page_tokens(struct web_call *call);
void act_token_make(struct web_call *call);
void act_token_end(struct web_call *call);
void page_receivers(struct web_call *call);
void mirror_read(struct web_call *call);
void mirror_report(struct web_call *call);
void mirror_cosign(struct web_call *call);

#endif
