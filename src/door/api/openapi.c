#include "door/api/api_private.h"

#include <ctype.h>
#include <stdio.h>

/* GET /openapi.json: OpenAPI 3.1, made from the request table and from the shapes below.
 *
 * A shape is a list of members "name:type". Types: text, int, number, bool, time, json (any object), a shape's name; "?" behind it: may be null; in
 * brackets: a list.
 * "+NAME" takes over the members of another shape. */

static const struct {
    const char *name;
    const char *members;
} shapes[] = {
    {"setup", "needed:bool"},
    {"unlock", "locked:bool stage:text since:time? records:int bytes:int max_bytes:int lost:int nearly_full:bool keeping:bool csrf:text"},
    {"started", "started:bool"},
    {"course_part", "title:text minutes:int questions:int"},
    {"course", "id:text title:text about:text for:[text] after:text? language:text version:int minutes:int pass:int own:bool pool:int "
               "parts:[course_part]"},
    {"courses", "items:[course]"},
    {"course_source", "id:text name:text section:text"},
    {"course_whole", "+course sources:[course_source] lessons:[json]"},
    {"course_told", "right:bool feedback:[json] place:int"},
    {"course_verdict", "right:bool answers:[course_told] see:text"},
    {"attempt_question", "question:json chosen:text? verdict:course_verdict?"},
    {"attempt", "id:text course:text title:text language:text version:int pass:int state:text answered:int right:int? begun:time retry_after_s:int "
                "sources:[course_source] questions:[attempt_question]"},
    {"signed", "record:int statement:text"},
    {"recorded", "record:int"},
    {"policy", "id:text title:text language:text version:int text:[json]"},
    {"training_duty", "course:text kind:text title:text state:text assigned:text due:text? done:text? record:int? how:text? why:text?"},
    {"training_done", "record:int course:text? title:text how:text version:int day:text"},
    {"training_mine", "today:text mail:bool duties:[training_duty] history:[training_done]"},
    {"training_certificate", "record:int account:text display_name:text course:text title:text how:text by:text? version:int day:text until:text? "
                             "counts:bool recorded:time url:text root:text records:int"},
    {"training_verified",
     "genuine:bool display_name:text title:text how:text by:text? version:int day:text until:text? counts:bool site:text record:int "
     "records:int root:text"},
    {"training_count", "id:text title:text kind:text done:int renew:int open:int late:int all:int"},
    {"training_month", "month:text on_time:int late:int"},
    {"training_standing", "day:text all:int done:int late:int record:int"},
    {"training_ledger", "records:int root:text origin:text"},
    {"training", "today:text mail:bool escalate_days:int site:text people:int people_late:int done:int renew:int open:int late:int all:int "
                 "courses:[training_count] roles:[training_count] sites:[training_count] months:[training_month] standings:[training_standing] "
                 "ledger:training_ledger"},
    {"training_person", "name:text display_name:text all:int done:int late:int next:text? manager:text? mail:bool"},
    {"training_one", "name:text display_name:text closed:bool mail:text? manager:text? roles:[text] role:text permissions:[text] today:text "
                     "duties:[training_duty] history:[training_done]"},
    {"training_rule", "rule:int course:text title:text role:text? site:text? account:text? from:text days:int renew_months:int by:text? why:text? "
                      "time:time"},
    {"training_policy", "id:text title:text version:int since:text record:int"},
    {"training_rules", "items:[training_rule] policies:[training_policy]"},
    {"training_class", "record:int course:text? topic:text trainer:text day:text people:int sha256:text? by:text?"},
    {"training_reminded", "reminded:int"},
    {"training_topic", "lesson:text right_percent:int?"},
    {"training_topics", "enough:bool least:int items:[training_topic]"},
    {"ready", "ready:bool records:int"},
    {"person", "name:text display_name:text role:text roles:[text] permissions:[text] token:text?"},
    {"sign_in", "passkeys:int app:bool withheld:bool"},
    {"session", "person:person csrf:text site:text time_zone:text? mail_to:text? lock_s:int sign_in:sign_in"},
    {"passkey_descriptor", "id:text transports:[text]"},
    {"passkey_wish", "challenge:text rp_id:text allow:[passkey_descriptor]"},
    {"proof_wish", "nonce:text rp_id:text allow:[passkey_descriptor]"},
    {"passkey_new_wish", "challenge:text rp_id:text site:text user:text name:text display_name:text algorithms:[int] exclude:[passkey_descriptor]"},
    {"passkey", "id:text name:text transports:text synchronised:bool added:time used:time? stopped:time?"},
    {"passkey_tested", "id:text name:text"},
    {"methods", "host:text passkeys:[passkey] app_since:time?"},
    {"totp_wish", "secret:text token:text site:text name:text"},
    {"recovery", "id:text account:text why:text asked_by:text asked_at:time approved_by:text? until:time"},
    {"recoveries", "items:[recovery]"},
    {"recovery_code", "account:text code:text until:time"},
    {"reason", "text:text source:text time:time? record:int?"},
    {"device_itself",
     "id:text etag:text name:text? title:text role:text role_basis:text confidence:int class:text? maker:text? model:text? serial:text? "
     "software:text? os:text? hostname:text? ip:[text] mac:[text] protocols:[text] owner:text? place:text? criticality:text? zone:text? "
     "behind:text? first_seen:time? last_seen:time? messages:int messages_per_hour:int clock_skew_s:int? retired:bool "
     "admission:text findings_open:int"},
    {"device_admitted", "by:text? at:time? why:text? record:int? mixed:bool new_macs:[text]"},
    {"admission_candidate", "id:text title:text role:text ip:[text] mac:[text] first_seen:time"},
    {"admission_learnt", "token:text? until:time? learning_until:time? total:int saved:int? items:[admission_candidate] cut:bool"},
    {"device", "+device_itself instruments:int"},
    {"evidence", "time:time source:text fields:json record:int"},
    {"peer", "ip:text name:text? device:text? app:text? packets:int bytes:int last_seen:time"},
    {"device_candidate", "maker:text model:text? class:text? confidence:int reasons:[text]"},
    {"device_report", "code:text text:text? count:int"},
    {"device_link", "id:text title:text"},
    {"device_duplicate", "id:text title:text why:text"},
    {"device_edit", "field:text value:text person:text? time:time"},
    {"device_address", "address:text from:time to:time now:bool"},
    {"device_detail",
     "+device_itself hours:[int] admitted:device_admitted candidates:[device_candidate] why:[reason] evidence:[evidence] peers:[peer] "
     "reports:[device_report] instruments:[device_link] "
     "duplicates:[device_duplicate] edits:[device_edit] address_history:[device_address]"},
    {"import_change", "field:text from:text? to:text"},
    {"import_row", "line:int action:text device:text? title:text changes:[import_change] reason:text? column:int? candidates:[device_link]"},
    {"import_counts", "create:int change:int same:int ambiguous:int error:int"},
    {"import_preview", "token:text counts:import_counts columns:[text] rows:[import_row] cut:bool"},
    {"import_done", "counts:import_counts saved:int list:int?"},
    {"import_list", "list:int person:text? time:time devices:int undone_by:text? undone_at:time?"},
    {"import_lists", "items:[import_list]"},
    {"import_stayed", "device:text title:text why:text fields:[text]"},
    {"import_undone", "list:int back:int gone:int stay:int stayed:[import_stayed]"},
    {"network_node",
     "id:text kind:text lane:text title:text role:text role_basis:text? zone:text? address:text? group:text? members:int findings:int severity:text? "
     "new:bool odd:text? first_seen:time? last_seen:time?"},
    {"network_edge", "a:text b:text apps:[text] encrypted:text lab:bool new:bool odd:text? links:int packets:int bytes:int messages:int "
                     "first_seen:time? last_seen:time?"},
    {"network_end", "id:text kind:text title:text role:text"},
    {"network_odd", "kind:text a:network_end b:network_end? apps:[text] share:int of:int first_seen:time? last_seen:time?"},
    {"network_zone", "name:text told:bool devices:int"},
    {"network_counts", "zones:int devices:int outside:int silent:int links:int links_lab:int links_lab_clear:int links_new:int odd:int"},
    {"network", "from:time? until:time? since:time? judged:bool cut:bool nodes:[network_node] edges:[network_edge] odd:[network_odd] "
                "zones:[network_zone] counts:network_counts"},
    {"test", "code:text? system:text? text:text?"},
    {"result_message", "id:text? protocol:text? type:text? control_id:text? record:int? link:text? leg:text?"},
    {"verdict", "state:text why:text changed:text? text:text received:int? forwarded:int? finding:text?"},
    {"result", "record:int position:int time:time recorded:time sender:text? sender_device:text? receiver:text? receiver_device:text? "
               "sender_title:text? receiver_title:text? test:test "
               "patient:text? "
               "specimen:text? units:text? "
               "flags:[text] status:text? observed_at:text? message:result_message verdict:verdict"},
    {"result_step", "verdict:text changed:text?"},
    {"result_sighting", "+result step:result_step?"},
    {"result_way", "+result way:[result_sighting]"},
    {"proved_sighting", "+result_sighting value:text?"},
    {"proved_result", "+result way:[proved_sighting]"},
    {"result_proof", "look:int results:[proved_result] records:int proof:text"},
    {"result_summary", "total:int as_sent:int changed:int missing:int extra:int replayed:int corrected:int unclear:int one_sided:int pending:int "
                       "since:time?"},
    {"ack", "code:text for:text?"},
    {"message",
     "record:int position:int time:time id:text protocol:text type:text? control_id:text? sender:text? receiver:text? version:text? charset:text? "
     "results:int bytes:int malformed:text? ack:ack? flow:json? link:text? leg:text? side:text? policy:text?"},
    {"flow", "id:int proto:text src:text sport:int dst:text dport:int vlan:int?"},
    {"finding", "id:text etag:text kind:text severity:text title:text advice:text technique:text? state:text taken_by:text? first_time:time "
                "last_time:time count:int "
                "device:text? device_title:text? flows:[flow] messages:[text] records:[int]"},
    {"need", "+finding same:int same_last:time"},
    {"finding_step", "time:time event:text person:text? why:text? record:int"},
    {"finding_packets", "record:int time:time packets:int bytes:int removed_at:time?"},
    {"finding_evidence", "flows:[flow] messages:[text] records:[int] packets:[finding_packets] packets_removed_at:time?"},
    {"told", "time:time record:int findings:int addresses:int why:text?"},
    {"finding_mail", "addresses:[text] from:text last:told? tested:told?"},
    {"finding_detail", "+finding history:[finding_step] evidence:finding_evidence"},
    {"today_counts", "needs:int findings_open:int findings_critical:int devices:int devices_unknown:int devices_waiting:int devices_refused:int "
                     "results:int messages:int malformed:int "
                     "messages_clear:int not_kept:int reports_waiting:int? mail_waiting:int? reviews_due:int? access_ending:int?"},
    {"today_capture", "state:text last_time:time? packets:int"},
    {"today_ledger", "records:int size:int root:text? holds:bool? verified_at:time?"},
    {"today_custody", "total:int compared:int wrong:int"},
    {"today", "sentence:text checked_at:time needs:[need] counts:today_counts custody:today_custody capture:today_capture ledger:today_ledger"},
    {"checkpoint", "size:int root:text time:time? text:text"},
    {"ledger_check", "at:time holds:bool records:int first_bad:int? why:text?"},
    {"ledger", "records:int origin:text checkpoint:checkpoint verified:ledger_check? verifying:bool verifier:text since:time? bytes:int"},
    {"keys_recovery", "made:time? tested:time?"},
    {"keys", "source:text protects:[text] made:time? epoch:int rotated_at:time? recovery:keys_recovery period_keys:int erased:int last_erasure:time? "
             "at_risk:text?"},
    {"erased", "patient:text keys:int record:int"},
    {"recovery_key", "recovery_key:text"},
    {"certificate_act", "at:time by:text? why:text? record:int?"},
    {"certificate", "serial:text name:text for:text device:text? link:text side:text holder:text issuer:text names:text not_before:time "
                    "not_after:time days_left:int "
                    "fingerprint:text renew_at:time? state:text replaces:text? made:certificate_act? revoked:certificate_act?"},
    {"authority",
     "subject:text serial:text not_before:time not_after:time days_left:int fingerprint:text next:authority_beside? former:authority_beside?"},
    {"authority_beside", "serial:text not_before:time not_after:time days_left:int fingerprint:text"},
    {"enrolment", "id:text for:text device:text? link:text side:text names:text days:int until:time"},
    {"certificates", "authority:authority? items:[certificate] enrolments:[enrolment]"},
    {"pki", "authority:authority?"},
    {"enrolment_code", "id:text code:text until:time known:bool"},
    {"backup", "id:text at:time bytes:int records:int where:text tested_at:time? holds:bool? why:text?"},
    {"backup_failed", "id:text why:text"},
    {"backups", "items:[backup] last:time? tested:time? due:text? doing:text? failed:backup_failed?"},
    {"task", "kind:text person:text? began:time seconds:int done:int total:int? left_s:left? ending:bool may_cancel:bool"},
    {"left", "least:int most:int"},
    {"tasks", "items:[task]"},
    {"backup_started", "started:bool id:text"},
    {"disk_used", "what:text bytes:int"},
    {"disk_retention", "kind:text days:int? removed_until:time?"},
    {"search_hit", "kind:text id:text title:text note:text? state:text? time:time?"},
    {"search", "items:[search_hit]"},
    {"report", "id:text etag:text kind:text text:text now:bool time:time person:text? display_name:text? photo:text? state:text taken_by:text? "
               "answer:text? answered:time? record:int"},
    {"report_step", "time:time event:text person:text? why:text? record:int"},
    {"report_whole", "+report history:[report_step]"},
    {"report_status", "state:text time:time answer:text? answered:time?"},
    {"mail_reason", "code:text text:text against:bool"},
    {"mail",
     "id:text etag:text time:time person:text? display_name:text? verdict:text score:int reasons:[mail_reason] sender:text? files:int links:int "
     "scanned:text exercise:bool state:text decided_by:text? decided:time? answer:text? incident:text? record:int"},
    {"mail_piece", "kept:int"},
    {"mail_indicator", "kind:text value:text incident:text?"},
    {"mail_alike", "id:text time:time verdict:text state:text person:text? alike:int"},
    {"mail_whole", "+mail indicators:[mail_indicator] alike:[mail_alike]"},
    {"mail_file", "name:text? type:text sha256:text? bytes:int inside:bool"},
    {"mail_link", "scheme:text before:text site:text rest:text shown:text? dressed:bool"},
    {"mail_shown", "look:int seconds:int name:text? from:text? reply_to:text? subject:text? files:[mail_file] links:[mail_link] text:text"},
    {"indicator", "kind:text value:text incident:text title:text? time:time record:int"},
    {"disk", "total:int free:int used:[disk_used] per_day:int? full_at:time? state:text not_kept:int goes_first:[text] retention:[disk_retention]"},
    {"link_tls", "on:bool version:text? peer:text? expires_at:time?"},
    {"link_side", "address:text peer:text? device:text? connected:bool connections:int why:text? tls:link_tls"},
    {"link_delay", "p50:number p99:number limit:number"},
    {"link_queue", "messages:int bytes:int max:int oldest_at:time?"},
    {"link_message", "at:time type:text? control_id:text? results:int answer:text? policy:text? record:int"},
    {"link_aside", "at:time refused_at:time type:text? control_id:text? results:int record:int"},
    {"link_rules", "types:[text] senders:[text] tests:[text] size:int rate:int hidden:int look_at:int?"},
    {"link_policy",
     "unknown:text learning_since:time? learning_until:time? learnt:link_rules? proposed:link_rules? proposed_at:time? approved:link_rules? "
     "approved_by:text? approved_at:time?"},
    {"link_counters", "received:int forwarded:int refused:int flagged:int late:int spooled:int resent:int"},
    {"link", "name:text protocol:text mode:text state:text why:text? bypass:bool hold:bool doubt:bool go_on_asked_by:text? go_on_until:time? "
             "decided_by:text? decided_why:text? decided_at:time? "
             "analyzer:link_side lis:link_side rate_per_min:int delay_ms:link_delay queue:link_queue last:[link_message] "
             "undelivered:[link_aside] policy:link_policy counters:link_counters"},
    {"links", "items:[link]"},
    {"door_firewall", "configured:bool on:bool why:text?"},
    {"door", "id:text state:text asset:text device:text address:text from:text service:text protocol:text port:int minutes:int maker:text? "
             "asked_by:text asked_at:time why:text decided_by:text? decided_at:time? decided_why:text? until:time? opened_at:time? closed_at:time? "
             "ended:text? ended_why:text? ended_by:text? ended_reason:text? packets:int? bytes_up:int? bytes_down:int? flows:int changes:int "
             "record:int"},
    {"doors", "firewall:door_firewall waiting:int items:[door] next:text?"},
    {"door_flow", "from:text to:text protocol:text port:int app:text? packets:int bytes_up:int bytes_down:int began:time ended:time record:int"},
    {"door_change", "time:time field:text before:text? after:text? record:int"},
    {"door_detail", "+door seen:[door_flow] changed:[door_change]"},
    {"door_service", "name:text port:int"},
    {"door_device", "id:text title:text address:text maker:text? model:text?"},
    {"door_choices", "firewall:door_firewall maker:text? from:text? minutes_least:int minutes_most:int services:[door_service] "
                     "devices:[door_device]"},
    {"ledger_record", "index:int stream:text time:time event:text summary:text"},
    {"cosigned", "name:text records:int"},
    {"proof_checked", "holds:bool index:int? records:int? why:text?"},
    {"witness", "name:text key:text url:text? last_size:int? last_at:time? state:text why:text? asking:bool"},
    {"witnesses", "items:[witness]"},
    {"capture",
     "capture:text state:text packets:int bytes:int flows:int dropped:int dropped_flows:int dropped_lab:int shed_bulk:int shed_other:int "
     "dropped_first:time? dropped_last:time? damaged:int failures:int failed_at:time? back_at:time? first_time:time? last_time:time? why:text?"},
    {"sensor", "captures:[capture]"},
    {"look_subject", "index:int event:text patient:text?"},
    {"look", "record:int time:time person:text display_name:text what:text reason:text subject:look_subject"},
    {"shown_field", "number:int name:text? text:text?"},
    {"shown_line", "name:text depth:int fields:[shown_field]"},
    {"shown_body", "bytes:int kept:int cut:bool sha256:text? charset:text lines:[shown_line] left:int"},
    {"shown_record", "record:int event:text seen:json? clear:json? body:shown_body? erased:text?"},
    {"shown", "look:int seconds:int record:int items:[shown_record]"},
    {"open_session", "id:text account:text origin:text? opened:time last_used:time this:bool"},
    {"sessions", "items:[open_session]"},
    {"token",
     "id:text account:text label:text scopes:[text] created:time until:time last_used:time? revoked:time? revoked_by:text? revoked_why:text? "
     "good:bool"},
    {"tokens", "items:[token]"},
    {"token_made", "+token token:text"},
    {"act", "record:int time:time person:text? display_name:text? account:text? event:text what:text permission:text? role:text? why:text? "
            "origin:text? object:text? device:text?"},
    {"role", "name:text needs_end:bool given:bool"},
    {"permission", "name:text what:text token:bool roles:[text]"},
    {"role_table", "roles:[role] permissions:[permission]"},
    {"account", "name:text etag:int display_name:text state:text roles:[text] role:text permissions:[text] ends:time? token_ends:time? created:time "
                "created_by:text? "
                "closed:time? last_sign_in:time? password_set:time? invited_until:time? reviewed:time? reviewed_by:text? review_due:bool "
                "second_factor:bool sessions:int "
                "emergency:bool"},
    {"grant", "role:text site:text? maker:text? since:time until:time? by:text? why:text? record:int ended:time? ended_by:text? ended_why:text? "
              "in_force:bool"},
    {"account_detail", "+account grants:[grant]"},
    {"invitation", "name:text code:text? until:time?"},
    {"emergency", "name:text code:text"},
    {"people_row", "line:int action:text name:text? display_name:text? role:text? until:time? reason:text?"},
    {"people_counts", "create:int grant:int same:int error:int"},
    {"people_code", "name:text display_name:text code:text until:time"},
    {"people_import", "token:text? counts:people_counts rows:[people_row] saved:int whole:bool codes:[people_code]"},
    {"why", "person:text display_name:text act:act? at:time permission:text? may:bool grants:[grant]"},
    {"reviewed", "record:int"},
    {"access_policy",
     "password_shortest:int password_longest:int password_days:int second_factor:text breached:int session_idle_s:int session_longest_s:int by:text? "
     "changed:time? why:text?"},
    {"problem", "type:text title:text status:int detail:text code:text"},
};

static void put_ref(struct jsonw *j, struct span name)
{
    struct buf ref = BUF_INIT(128);
    buf_add_str(&ref, "#/components/schemas/");
    buf_add_span(&ref, name);
    jsonw_put_text(j, "$ref", buf_span(&ref));
    buf_release(&ref);
}

/* The members of a schema object for one type, without braces. */
static void put_type(struct jsonw *j, struct span type, bool nullable)
{
    static const struct {
        const char *type;
        const char *json;
        const char *format;
    } plain[] = {{"text", "string", NULL},  {"int", "integer", NULL},        {"number", "number", NULL},
                 {"bool", "boolean", NULL}, {"time", "string", "date-time"}, {"json", "object", NULL}};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (!span_is(type, plain[i].type))
            continue;
        jsonw_key(j, "type");
        if (nullable) {
            jsonw_array(j);
            jsonw_str(j, plain[i].json);
            jsonw_str(j, "null");
            jsonw_array_end(j);
        } else {
            jsonw_str(j, plain[i].json);
        }
        if (plain[i].format != NULL)
            jsonw_put_str(j, "format", plain[i].format);
        return;
    }
    if (!nullable) {
        put_ref(j, type);
        return;
    }
    jsonw_key(j, "anyOf");
    jsonw_array(j);
    jsonw_object(j);
    put_ref(j, type);
    jsonw_object_end(j);
    jsonw_object(j);
    jsonw_put_str(j, "type", "null");
    jsonw_object_end(j);
    jsonw_array_end(j);
}

static void put_member(struct jsonw *j, struct span type)
{
    bool nullable = type.n > 0 && type.p[type.n - 1] == '?';
    if (nullable)
        type.n--;
    jsonw_object(j);
    if (type.n > 2 && type.p[0] == '[') {
        jsonw_put_str(j, "type", "array");
        jsonw_key(j, "items");
        jsonw_object(j);
        put_type(j, span_of(type.p + 1, type.n - 2), false);
        jsonw_object_end(j);
    } else {
        put_type(j, type, nullable);
    }
    jsonw_object_end(j);
}

static const char *members_of(struct span shape)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        if (span_is(shape, shapes[i].name))
            return shapes[i].members;
    return "";
}

static void each_member(struct jsonw *j, const char *members, bool names_only)
{
    struct span rest = span_str(members);
    while (rest.n > 0) {
        struct span type = span_until(&rest, ' ', NULL);
        if (type.p[0] == '+') {
            each_member(j, members_of(span_of(type.p + 1, type.n - 1)), names_only);
            continue;
        }
        struct span name = span_until(&type, ':', NULL);
        char key[64];
        (void)snprintf(key, sizeof key, "%.*s", (int)name.n, (const char *)name.p);
        if (names_only) {
            jsonw_str(j, key);
            continue;
        }
        jsonw_key(j, key);
        put_member(j, type);
    }
}

static void put_shapes(struct jsonw *j)
{
    jsonw_key(j, "schemas");
    jsonw_object(j);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        jsonw_key(j, shapes[i].name);
        jsonw_object(j);
        jsonw_put_str(j, "type", "object");
        jsonw_key(j, "properties");
        jsonw_object(j);
        each_member(j, shapes[i].members, false);
        jsonw_object_end(j);
        jsonw_key(j, "required");
        jsonw_array(j);
        each_member(j, shapes[i].members, true);
        jsonw_array_end(j);
        jsonw_object_end(j);
    }
    jsonw_object_end(j);
}

/* ── operations ── */

static void put_parameter(struct jsonw *j, const char *in, struct span name, const char *type, bool required)
{
    jsonw_object(j);
    jsonw_put_text(j, "name", name);
    jsonw_put_str(j, "in", in);
    jsonw_put_bool(j, "required", required);
    jsonw_key(j, "schema");
    jsonw_object(j);
    jsonw_put_str(j, "type", type);
    jsonw_object_end(j);
    jsonw_object_end(j);
}

static void put_parameters(struct jsonw *j, const struct route *r)
{
    jsonw_key(j, "parameters");
    jsonw_array(j);
    struct span path = span_str(r->path);
    while (path.n > 0) {
        struct span part = span_until(&path, '/', NULL);
        if (part.n > 2 && part.p[0] == '{')
            put_parameter(j, "path", span_of(part.p + 1, part.n - 2), "string", true);
    }
    struct span query = span_str(r->query == NULL ? "" : r->query);
    while (query.n > 0)
        put_parameter(j, "query", span_until(&query, ' ', NULL), "string", false);
    if ((r->flags & ROUTE_LIST) != 0) {
        put_parameter(j, "query", SPAN_LIT("limit"), "integer", false);
        put_parameter(j, "query", SPAN_LIT("cursor"), "string", false);
    }
    if ((r->flags & ROUTE_IF_MATCH) != 0)
        put_parameter(j, "header", SPAN_LIT("If-Match"), "string", true);
    if ((r->flags & ROUTE_OPEN) == 0 && strcmp(r->method, "GET") != 0)
        put_parameter(j, "header", SPAN_LIT("X-CSRF"), "string", true);
    jsonw_array_end(j);
}

static void put_body(struct jsonw *j, const struct route *r)
{
    if (r->body == NULL)
        return;
    jsonw_key(j, "requestBody");
    jsonw_object(j);
    jsonw_put_bool(j, "required", true);
    jsonw_key(j, "content");
    if (strcmp(r->body, "@csv") == 0) {
        jsonw_raw(j, SPAN_LIT("{\"text/csv\":{\"schema\":{\"type\":\"string\"}}}"));
        jsonw_object_end(j);
        return;
    }
    if (strcmp(r->body, "@eml") == 0) {
        jsonw_raw(j, SPAN_LIT("{\"message/rfc822\":{\"schema\":{\"type\":\"string\"}}}"));
        jsonw_object_end(j);
        return;
    }
    if (strcmp(r->body, "@request") == 0) {
        jsonw_raw(j, SPAN_LIT("{\"application/pkcs10\":{\"schema\":{\"type\":\"string\"}},\"application/json\":{\"schema\":{\"type\":\"object\","
                              "\"required\":[\"request\"],\"properties\":{\"request\":{\"type\":\"string\"}}}}}"));
        jsonw_object_end(j);
        return;
    }
    jsonw_object(j);
    jsonw_key(j, "application/json");
    jsonw_object(j);
    jsonw_key(j, "schema");
    jsonw_object(j);
    jsonw_put_str(j, "type", "object");
    jsonw_put_bool(j, "additionalProperties", false);
    for (int required = 0; required < 2; required++) {
        jsonw_key(j, required ? "required" : "properties");
        if (required)
            jsonw_array(j);
        else
            jsonw_object(j);
        struct span members = span_str(r->body);
        while (members.n > 0) {
            struct span name = span_until(&members, ' ', NULL);
            bool optional = name.p[name.n - 1] == '?';
            char key[64];
            (void)snprintf(key, sizeof key, "%.*s", (int)(optional ? name.n - 1 : name.n), (const char *)name.p);
            if (required && !optional)
                jsonw_str(j, key);
            if (required)
                continue;
            jsonw_key(j, key);
            jsonw_object(j);
            jsonw_put_str(j, "type", "string");
            jsonw_object_end(j);
        }
        if (required)
            jsonw_array_end(j);
        else
            jsonw_object_end(j);
    }
    jsonw_object_end(j);
    jsonw_object_end(j);
    jsonw_object_end(j);
    jsonw_object_end(j);
}

static void put_schema(struct jsonw *j, struct span answer)
{
    jsonw_key(j, "schema");
    jsonw_object(j);
    if (span_is(answer, "text") || span_is(answer, "csv") || span_is(answer, "pem") || span_is(answer, "svg") || span_is(answer, "events")) {
        jsonw_put_str(j, "type", "string");
    } else if (span_is(answer, "any")) {
        jsonw_put_str(j, "type", "object");
    } else if (answer.p[0] == '[') {
        jsonw_put_str(j, "type", "object");
        jsonw_key(j, "properties");
        jsonw_object(j);
        jsonw_key(j, "items");
        put_member(j, answer);
        jsonw_key(j, "next");
        put_member(j, SPAN_LIT("text?"));
        jsonw_key(j, "total");
        put_member(j, SPAN_LIT("int"));
        jsonw_object_end(j);
        jsonw_key(j, "required");
        jsonw_raw(j, SPAN_LIT("[\"items\",\"next\",\"total\"]"));
    } else {
        put_ref(j, answer);
    }
    jsonw_object_end(j);
}

static void put_responses(struct jsonw *j, const struct route *r)
{
    char status[8];
    (void)snprintf(status, sizeof status, "%d", r->success);
    jsonw_key(j, "responses");
    jsonw_object(j);
    jsonw_key(j, status);
    jsonw_object(j);
    jsonw_put_str(j, "description", "Done");
    if (r->answer != NULL) {
        struct span answer = span_str(r->answer);
        jsonw_key(j, "content");
        jsonw_object(j);
        jsonw_key(j, span_is(answer, "text")     ? "text/plain"
                     : span_is(answer, "csv")    ? "text/csv"
                     : span_is(answer, "pem")    ? "application/x-pem-file"
                     : span_is(answer, "svg")    ? "image/svg+xml"
                     : span_is(answer, "events") ? "text/event-stream"
                                                 : "application/json");
        jsonw_object(j);
        put_schema(j, answer);
        jsonw_object_end(j);
        jsonw_object_end(j);
    }
    jsonw_object_end(j);
    jsonw_key(j, "default");
    jsonw_raw(j, SPAN_LIT("{\"description\":\"A problem (RFC "
                          "9457)\",\"content\":{\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/problem\"}}}}"));
    jsonw_object_end(j);
}

static void put_operation(struct jsonw *j, const struct route *r)
{
    char method[8];
    size_t n = 0;
    for (; r->method[n] != 0 && n + 1 < sizeof method; n++)
        method[n] = (char)tolower((unsigned char)r->method[n]);
    method[n] = 0;
    jsonw_key(j, method);
    jsonw_object(j);
    jsonw_put_str(j, "summary", r->summary);
    jsonw_put_str(j, "x-permission", r->permission != NULL ? r->permission : (r->flags & ROUTE_OPEN) != 0 ? "-" : "signed in");
    put_parameters(j, r);
    put_body(j, r);
    put_responses(j, r);
    if ((r->flags & ROUTE_OPEN) != 0) {
        jsonw_key(j, "security");
        jsonw_raw(j, SPAN_LIT("[]"));
    }
    jsonw_object_end(j);
}

void handle_openapi(struct call *c)
{
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_str(j, "openapi", "3.1.0");
    jsonw_key(j, "info");
    jsonw_raw(j, SPAN_LIT("{\"title\":\"Tourniquet\",\"version\":\"1\",\"license\":{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}}"));
    jsonw_key(j, "security");
    jsonw_raw(j, SPAN_LIT("[{\"session\":[]}]"));
    jsonw_key(j, "paths");
    jsonw_object(j);
    for (size_t i = 0; i < api_route_count; i++) {
        if (i > 0 && strcmp(api_routes[i].path, api_routes[i - 1].path) == 0) {
            put_operation(j, &api_routes[i]);
        } else {
            if (i > 0)
                jsonw_object_end(j);
            jsonw_key(j, api_routes[i].path);
            jsonw_object(j);
            put_operation(j, &api_routes[i]);
        }
    }
    jsonw_object_end(j);
    jsonw_object_end(j);
    jsonw_key(j, "components");
    jsonw_object(j);
    jsonw_key(j, "securitySchemes");
    jsonw_raw(j, SPAN_LIT("{\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"__Host-tourniquet\"}}"));
    put_shapes(j);
    jsonw_object_end(j);
    jsonw_object_end(j);
}
