#include "web/route.h"

#include "base/macros.h"

static const struct route routes[] = {
    {"GET", "/", ACCESS_SESSION, 0, page_live},
    {"GET", "/sign-in", ACCESS_OPEN, 0, page_sign_in},
    {"POST", "/sign-in", ACCESS_OPEN, 0, act_sign_in},
    {"GET", "/sign-in/code", ACCESS_OPEN, 0, page_sign_in_code},
    {"POST", "/sign-in/code", ACCESS_OPEN, 0, act_sign_in_code},
    {"POST", "/sign-out", ACCESS_SESSION, ROUTE_UNCHANGED_PASSWORD | ROUTE_UNENROLLED, act_sign_out},
    {"GET", "/password", ACCESS_SESSION, ROUTE_UNCHANGED_PASSWORD | ROUTE_UNENROLLED, page_password},
    {"POST", "/password", ACCESS_SESSION, ROUTE_UNCHANGED_PASSWORD | ROUTE_UNENROLLED, act_password},
    {"POST", "/language", ACCESS_EITHER, ROUTE_UNCHANGED_PASSWORD | ROUTE_UNENROLLED, act_language},
    {"GET", "/factor", ACCESS_SESSION, ROUTE_UNENROLLED, page_factor},
    {"POST", "/factor/begin", ACCESS_SESSION, ROUTE_UNENROLLED, act_factor_begin},
    {"POST", "/factor/confirm", ACCESS_SESSION, ROUTE_UNENROLLED, act_factor_confirm},
    {"POST", "/factor/codes", ACCESS_SESSION, 0, act_factor_codes},
    {"POST", "/factor/off", ACCESS_SESSION, 0, act_factor_off},
    {"POST", "/factor/seen", ACCESS_SESSION, ROUTE_UNENROLLED, act_factor_seen},
    {"POST", "/factor/policy", ACCESS_SESSION, 0, act_factor_policy},
    {"GET", "/search", ACCESS_SESSION, 0, page_search},
    {"GET", "/records/*", ACCESS_SESSION, 0, page_record},
    {"GET", "/records/*/proof.txt", ACCESS_SESSION, 0, page_record_proof},
    {"GET", "/records/*/why", ACCESS_SESSION, 0, page_explain},
    {"GET", "/records/*/leaf", ACCESS_SESSION, 0, page_record_leaf},
    {"GET", "/proof-sheet.txt", ACCESS_SESSION, 0, page_proof_sheet},
    {"GET", "/papers", ACCESS_SESSION, 0, page_papers},
    {"POST", "/papers/certificate", ACCESS_SESSION, 0, act_certificate},
    {"POST", "/papers/export", ACCESS_SESSION, 0, act_export},
    {"GET", "/papers/*", ACCESS_SESSION, 0, page_paper},
    {"GET", "/papers/*/*", ACCESS_SESSION, 0, page_paper_file},
    {"GET", "/incidents", ACCESS_SESSION, 0, page_incidents},
    {"GET", "/incidents/new", ACCESS_SESSION, 0, page_incident_new},
    {"POST", "/incidents/new", ACCESS_SESSION, 0, act_incident_new},
    {"GET", "/incidents/*", ACCESS_SESSION, 0, page_card},
    {"POST", "/incidents/*/act", ACCESS_SESSION, 0, act_card},
    {"POST", "/incidents/*/told", ACCESS_SESSION, 0, told_card},
    {"POST", "/incidents/*/edit", ACCESS_SESSION, 0, edit_card},
    {"GET", "/terms", ACCESS_SESSION, 0, page_terms},
    {"GET", "/terms/try", ACCESS_SESSION, 0, page_term_try},
    {"GET", "/vulnerabilities", ACCESS_SESSION, 0, page_vulnerabilities},
    {"GET", "/vulnerabilities/new", ACCESS_SESSION, 0, page_finding_new},
    {"POST", "/vulnerabilities/new", ACCESS_SESSION, 0, act_finding_new},
    {"GET", "/vulnerabilities/reports", ACCESS_SESSION, 0, page_findings_list},
    {"GET", "/vulnerabilities/reports/*", ACCESS_SESSION, 0, page_findings},
    {"POST", "/vulnerabilities/reports/*", ACCESS_SESSION, 0, act_findings},
    {"GET", "/vulnerabilities/uploads", ACCESS_SESSION, 0, page_uploads},
    {"POST", "/vulnerabilities/uploads", ACCESS_SESSION, ROUTE_FILE, act_upload},
    {"GET", "/vulnerabilities/uploads/*", ACCESS_SESSION, 0, page_upload},
    {"POST", "/vulnerabilities/uploads/*/accept", ACCESS_SESSION, 0, act_upload_accept},
    {"POST", "/vulnerabilities/uploads/*/drop", ACCESS_SESSION, 0, act_upload_drop},
    {"GET", "/vulnerabilities/*", ACCESS_SESSION, 0, page_vulnerability},
    {"POST", "/vulnerabilities/*", ACCESS_SESSION, 0, act_vulnerability},
    {"GET", "/reports", ACCESS_SESSION, 0, page_reports},
    {"GET", "/reports/new", ACCESS_SESSION, 0, page_report_new},
    {"POST", "/reports/new", ACCESS_SESSION, 0, act_report_make},
    {"GET", "/reports/*", ACCESS_SESSION, 0, page_report},
    {"GET", "/reports/*/*", ACCESS_SESSION, 0, page_report_file},
    {"GET", "/rules", ACCESS_SESSION, 0, page_rules},
    {"GET", "/rules/edit", ACCESS_SESSION, 0, page_rule_edit},
    {"POST", "/rules/edit", ACCESS_SESSION, 0, act_rule_edit},
    {"GET", "/rules/tried", ACCESS_SESSION, 0, page_rule_tried},
    {"GET", "/rules/*/edit", ACCESS_SESSION, 0, page_rule_edit},
    {"POST", "/rules/*/edit", ACCESS_SESSION, 0, act_rule_edit},
    {"POST", "/rules/*/end", ACCESS_SESSION, 0, act_rule_end},
    {"GET", "/rules/packs", ACCESS_SESSION, 0, page_packs},
    {"POST", "/rules/packs", ACCESS_SESSION, 0, act_packs},
    {"POST", "/rules/packs/compare", ACCESS_SESSION, 0, act_compare},
    {"GET", "/rules/level", ACCESS_SESSION, 0, page_levels},
    {"POST", "/rules/level", ACCESS_SESSION, 0, act_levels},
    {"GET", "/rules/*", ACCESS_SESSION, 0, page_rule},
    {"POST", "/rules/*", ACCESS_SESSION, 0, save_rule},
    {"GET", "/filters", ACCESS_SESSION, 0, page_filters},
    {"GET", "/filters/new", ACCESS_SESSION, 0, page_filter_new},
    {"POST", "/filters/new", ACCESS_SESSION, 0, save_filter},
    {"POST", "/filters/*/end", ACCESS_SESSION, 0, end_filter},
    {"POST", "/rules/*/hunt", ACCESS_SESSION, 0, act_hunt_start},
    {"GET", "/hunts", ACCESS_SESSION, 0, page_hunts},
    {"GET", "/hunts/*", ACCESS_SESSION, 0, page_hunt},
    {"POST", "/hunts/*/stop", ACCESS_SESSION, 0, act_hunt_stop},
    {"POST", "/hunts/*/open", ACCESS_SESSION, 0, act_hunt_open},
    {"GET", "/indicators", ACCESS_SESSION, 0, page_indicators},
    {"POST", "/indicators", ACCESS_SESSION, 0, act_indicators_hunt},
    {"POST", "/indicators/files", ACCESS_SESSION, ROUTE_FILE | ROUTE_LIST, act_list_upload},
    {"GET", "/indicators/files/*", ACCESS_SESSION, 0, page_list_file},
    {"POST", "/indicators/files/*/take", ACCESS_SESSION, 0, act_list_take},
    {"POST", "/indicators/files/*/drop", ACCESS_SESSION, 0, act_list_drop},
    {"GET", "/indicators/lists/*", ACCESS_SESSION, 0, page_list},
    {"POST", "/indicators/lists/*/end", ACCESS_SESSION, 0, act_list_end},
    {"POST", "/indicators/lists/*/restore", ACCESS_SESSION, 0, act_list_restore},
    {"GET", "/coverage", ACCESS_SESSION, 0, page_coverage},
    {"GET", "/coverage/navigator.json", ACCESS_SESSION, 0, page_navigator},
    {"GET", "/coverage/annex4", ACCESS_SESSION, 0, page_annex},
    {"GET", "/coverage/annex4/*", ACCESS_SESSION, 0, page_annex_source},
    {"POST", "/coverage/annex4/*", ACCESS_SESSION, 0, act_annex_set},
    {"GET", "/coverage/switch-on/*", ACCESS_SESSION, 0, page_switch_on},
    {"GET", "/parsers", ACCESS_SESSION, 0, page_parsers},
    {"GET", "/parsers/workbench", ACCESS_SESSION, 0, page_workbench},
    {"POST", "/parsers/workbench", ACCESS_SESSION, 0, act_workbench},
    {"GET", "/parsers/pattern", ACCESS_SESSION, 0, page_pattern},
    {"POST", "/parsers/pattern", ACCESS_SESSION, 0, act_pattern},
    {"GET", "/parsers/patterns", ACCESS_SESSION, 0, page_patterns},
    {"GET", "/parsers/patterns/site.tsv", ACCESS_SESSION, 0, page_patterns_table},
    {"GET", "/parsers/patterns/*", ACCESS_SESSION, 0, page_pattern_versions},
    {"POST", "/parsers/patterns/*/end", ACCESS_SESSION, 0, act_pattern_end},
    {"POST", "/parsers/patterns/*/use", ACCESS_SESSION, 0, act_pattern_use},
    {"POST", "/parsers/patterns/*/stop", ACCESS_SESSION, 0, act_pattern_stop},
    {"GET", "/objects", ACCESS_SESSION, 0, page_objects},
    {"GET", "/objects/*", ACCESS_SESSION, 0, page_object},
    {"POST", "/objects/*", ACCESS_SESSION, 0, save_object},
    {"GET", "/objects/*/card", ACCESS_SESSION, 0, page_object_card},
    {"POST", "/objects/*/card", ACCESS_SESSION, 0, act_object_card},
    {"GET", "/objects/*/annex1", ACCESS_SESSION, 0, page_object_paper},
    {"GET", "/objects/*/means", ACCESS_SESSION, 0, page_object_list},
    {"POST", "/objects/*/means", ACCESS_SESSION, 0, act_object_list},
    {"GET", "/objects/*/documents", ACCESS_SESSION, 0, page_object_list},
    {"POST", "/objects/*/documents", ACCESS_SESSION, 0, act_object_list},
    {"GET", "/objects/*/security", ACCESS_SESSION, 0, page_object_documents},
    {"POST", "/objects/*/security", ACCESS_SESSION, 0, act_object_documents},
    {"POST", "/documents", ACCESS_SESSION, ROUTE_FILE | ROUTE_DOCUMENT, act_document_add},
    {"GET", "/documents/*", ACCESS_SESSION, 0, page_document},
    {"POST", "/documents/*", ACCESS_SESSION, 0, act_document},
    {"GET", "/documents/files/*", ACCESS_SESSION, 0, page_document_file},
    {"GET", "/documents/judgements/*", ACCESS_SESSION, 0, page_document_judgement},
    {"GET", "/objects/*/terms", ACCESS_SESSION, 0, page_object_terms},
    {"POST", "/objects/*/terms", ACCESS_SESSION, 0, act_object_terms},
    {"GET", "/objects/*/surveys", ACCESS_SESSION, 0, page_object_surveys},
    {"POST", "/objects/*/surveys", ACCESS_SESSION, 0, act_object_surveys},
    {"GET", "/surveys", ACCESS_SESSION, 0, page_surveys},
    {"GET", "/surveys/month", ACCESS_SESSION, 0, page_surveys_month},
    {"GET", "/surveys/list", ACCESS_SESSION, 0, page_survey_list},
    {"POST", "/surveys/list", ACCESS_SESSION, 0, act_survey_list},
    {"GET", "/surveys/faults", ACCESS_SESSION, 0, page_survey_faults},
    {"GET", "/surveys/*", ACCESS_SESSION, 0, page_survey},
    {"POST", "/surveys/*", ACCESS_SESSION, 0, act_survey},
    {"GET", "/objects/*/versions/*", ACCESS_SESSION, 0, page_object_version},
    {"GET", "/objects/*/exchange", ACCESS_SESSION, 0, page_object_exchange},
    {"POST", "/objects/*/exchange", ACCESS_SESSION, 0, act_object_exchange},
    {"GET", "/objects/*/export.json", ACCESS_SESSION, 0, page_object_export},
    {"GET", "/objects/*/export.xlsx", ACCESS_SESSION, 0, page_object_workbook},
    {"GET", "/inventory", ACCESS_SESSION, 0, page_inventory},
    {"GET", "/inventory/*", ACCESS_SESSION, 0, page_inventory_host},
    {"GET", "/inventory/*/csv", ACCESS_SESSION, 0, page_inventory_csv},
    {"POST", "/inventory/*/ask", ACCESS_SESSION, 0, act_inventory_ask},
    {"GET", "/objects/*/inventory", ACCESS_SESSION, 0, page_object_inventory},
    {"GET", "/agents", ACCESS_SESSION, 0, page_agents},
    {"POST", "/agents", ACCESS_SESSION, 0, act_agent_token},
    {"POST", "/agents/tokens/*", ACCESS_SESSION, 0, act_agent_token_end},
    {"GET", "/agents/policies", ACCESS_SESSION, 0, page_policies},
    {"POST", "/agents/policies", ACCESS_SESSION, 0, act_policy_save},
    {"POST", "/agents/policies/back", ACCESS_SESSION, 0, act_policy_back},
    {"GET", "/agents/*", ACCESS_SESSION, 0, page_agent},
    {"POST", "/agents/*", ACCESS_SESSION, 0, act_agent_save},
    {"POST", "/agents/*/revoke", ACCESS_SESSION, 0, act_agent_revoke},
    {"GET", "/channels", ACCESS_SESSION, 0, page_channels},
    {"GET", "/channels/*", ACCESS_SESSION, 0, page_channel},
    {"POST", "/channels/*", ACCESS_SESSION, 0, save_channel},
    {"GET", "/users", ACCESS_SESSION, 0, page_users},
    {"GET", "/users/*", ACCESS_SESSION, 0, page_user},
    {"POST", "/users/*", ACCESS_SESSION, 0, save_user},
    {"POST", "/users/*/factor", ACCESS_SESSION, 0, act_factor_reset},
    {"GET", "/canary", ACCESS_SESSION, 0, page_canary},
    {"GET", "/changes", ACCESS_SESSION, 0, page_changes},
    {"POST", "/changes", ACCESS_SESSION, 0, act_change_announce},
    {"POST", "/changes/*", ACCESS_SESSION, 0, act_change_end},
    {"GET", "/losses", ACCESS_SESSION, 0, page_losses},
    {"GET", "/losses/hours", ACCESS_SESSION, 0, page_hours},
    {"POST", "/losses/*", ACCESS_SESSION, 0, act_loss_explain},
    {"GET", "/archive", ACCESS_SESSION, 0, page_archive},
    {"GET", "/archive/checkpoint.txt", ACCESS_SESSION, 0, page_checkpoint},
    {"GET", "/archive/sheet.html", ACCESS_SESSION, 0, page_sheet},
    {"GET", "/archive/receivers", ACCESS_SESSION, 0, page_receivers},
    {"GET", "/archive/retention", ACCESS_SESSION, 0, page_retention},
    {"POST", "/archive/retention", ACCESS_SESSION, 0, act_propose},
    {"POST", "/archive/retention/*", ACCESS_SESSION, 0, act_decide},
    {"POST", "/api/upload", ACCESS_API, ROUTE_FILE, api_upload},
    {"POST", "/api/document", ACCESS_API, ROUTE_FILE | ROUTE_DOCUMENT, api_document_add},
    {"GET", "/api/document.file", ACCESS_API, 0, api_document_file},
    {"POST", "/api/indicators", ACCESS_API, ROUTE_FILE | ROUTE_LIST, api_list_upload},
    {"GET", "/tokens", ACCESS_SESSION, 0, page_tokens},
    {"POST", "/tokens", ACCESS_SESSION, 0, act_token_make},
    {"POST", "/tokens/*", ACCESS_SESSION, 0, act_token_end},
    {"GET", "/api/openapi.json", ACCESS_API, 0, api_document},
    {"GET", "/metrics", ACCESS_API, 0, page_metrics},
    {"GET", "/api/*", ACCESS_API, 0, api_ask},
    {"POST", "/api/*", ACCESS_API, 0, api_ask},
    {"GET", "/mirror/v1/*", ACCESS_MIRROR, 0, mirror_read},
    {"POST", "/mirror/v1/report", ACCESS_MIRROR, 0, mirror_report},
    {"POST", "/mirror/v1/cosign", ACCESS_MIRROR, 0, mirror_cosign},
    {"GET", "/ui/*/*", ACCESS_OPEN, 0, page_asset},
    {"GET", "/favicon.ico", ACCESS_OPEN, 0, page_icon},
};

static const struct route missing = {"GET", "", ACCESS_EITHER, ROUTE_UNCHANGED_PASSWORD, page_missing};
static const struct route wrong_method = {"GET", "", ACCESS_OPEN, 0, page_wrong_method};

size_t route_count(void)
{
    return ARRAY_LEN(routes);
}

const struct route *route_at(size_t i)
{
    return i < ARRAY_LEN(routes) ? &routes[i] : NULL;
}

enum web_stream web_streams(struct str method, struct str path, int64_t *ret_max)
{
    *ret_max = 0;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (!(routes[i].flags & ROUTE_FILE) || !str_is(method, routes[i].method) || !str_is(path, routes[i].pattern))
            continue;
        *ret_max = (routes[i].flags & ROUTE_LIST)       ? WEB_LIST_MAX
                   : (routes[i].flags & ROUTE_DOCUMENT) ? WEB_DOCUMENT_MAX
                                                        : WEB_UPLOAD_MAX;
        return routes[i].access == ACCESS_API ? WEB_STREAM_RAW : WEB_STREAM_FORM;
    }
    return WEB_STREAM_NONE;
}

static bool matches(struct arena *arena, struct str pattern, struct str path, struct str ret_args[CALL_ARGS_MAX])
{
    size_t args = 0;
    struct str pattern_rest = str_skip(pattern, 1);
    struct str path_rest = str_skip(path, 1);
    while (pattern_rest.p && path_rest.p) {
        struct str want = str_cut(&pattern_rest, '/');
        struct str have = str_cut(&path_rest, '/');
        if (!str_is(want, "*")) {
            if (!str_eq(want, have))
                return false;
            continue;
        }
        if (have.n == 0 || args == CALL_ARGS_MAX)
            return false;
        ret_args[args] = path_decode(arena, have);
        if (!ret_args[args++].p)
            return false;
    }
    return !pattern_rest.p && !path_rest.p;
}

enum route_found route_find(struct arena *arena, struct str method, struct str path, const struct route **ret_route,
                            struct str ret_args[CALL_ARGS_MAX], const char **ret_allow)
{
    unsigned allowed = 0; /* 1 = GET, 2 = POST */
    if (str_is(method, "HEAD"))
        method = STR("GET");
    for (size_t i = 0; i < ARRAY_LEN(routes) && path.n > 0 && path.p[0] == '/'; i++) {
        if (!matches(arena, str_of(routes[i].pattern), path, ret_args))
            continue;
        if (str_is(method, routes[i].method)) {
            *ret_route = &routes[i];
            return ROUTE_FOUND;
        }
        allowed |= routes[i].method[0] == 'G' ? 1u : 2u;
    }
    if (allowed == 0) {
        *ret_route = &missing;
        return ROUTE_NO_PATH;
    }
    *ret_allow = allowed == 1 ? "GET, HEAD" : allowed == 2 ? "POST" : "GET, HEAD, POST";
    *ret_route = &wrong_method;
    return ROUTE_NO_METHOD;
}
