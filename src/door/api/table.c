#include "door/api/api_private.h"

/* The request table: what can be asked, by whom, and what answers. OpenAPI and the permission tests are made from it. */

#define V1 "/api/v1"

const struct route api_routes[] = {
    {"GET", V1 "/setup", NULL, ROUTE_OPEN, handle_setup_get, "Does this installation still need its first administrator?", NULL, NULL, "setup", 200},
    {"POST", V1 "/setup", NULL, ROUTE_OPEN | ROUTE_SERIAL, handle_setup_post, "Make the first administrator, with the one-time code, and sign in",
     NULL, "code name password display_name?", "session", 201},
    {"GET", V1 "/session", NULL, ROUTE_SIGNED, handle_session_get, "Who is signed in", NULL, NULL, "session", 200},
    {"POST", V1 "/session", NULL, ROUTE_OPEN, handle_session_post, "Sign in", NULL, "name password", "session", 200},
    {"DELETE", V1 "/session", NULL, ROUTE_SIGNED, handle_session_delete, "Sign out", NULL, NULL, NULL, 204},
    {"GET", V1 "/today", "today.read", 0, handle_today, "What needs somebody now", NULL, NULL, "today", 200},
    {"GET", V1 "/devices", "device.read", ROUTE_LIST, handle_device_list, "Devices; sort: title, first_seen, last_seen", "q role sort", NULL,
     "[device]", 200},
    {"GET", V1 "/devices/{id}", "device.read", 0, handle_device_get, "One device, with evidence and peers", NULL, NULL, "device_detail", 200},
    {"PUT", V1 "/devices/{id}/name", "device.name", ROUTE_IF_MATCH | ROUTE_SERIAL, handle_device_name,
     "Give a device a name; an empty one takes it away", NULL, "name", "device", 200},
    {"GET", V1 "/network", "device.read", 0, handle_network,
     "Who talks to whom: devices in lanes, folded where they are many; since: a time, or 1h, 24h, 7d, 30d before the newest traffic; open: groups",
     "zone since open at", NULL, "network", 200},
    {"GET", V1 "/results", "result.read", ROUTE_LIST, handle_result_list, "Results, newest first", "q sender", NULL, "[result]", 200},
    {"GET", V1 "/messages", "result.read", ROUTE_LIST, handle_message_list, "Lab messages, newest first", NULL, NULL, "[message]", 200},
    {"GET", V1 "/findings", "finding.read", ROUTE_LIST, handle_finding_list,
     "Findings, worst and newest first; state: open (the default), taken, dismissed, all", "state severity kind", NULL, "[finding]", 200},
    {"GET", V1 "/findings/{id}", "finding.read", 0, handle_finding_get, "One finding, with its history", NULL, NULL, "finding_detail", 200},
    {"POST", V1 "/findings/{id}/take", "finding.decide", ROUTE_IF_MATCH | ROUTE_SERIAL, handle_finding_take, "Take a finding: you look after it",
     NULL, NULL, "finding", 200},
    {"POST", V1 "/findings/{id}/release", "finding.decide", ROUTE_IF_MATCH | ROUTE_SERIAL, handle_finding_release, "Give a taken finding back", NULL,
     NULL, "finding", 200},
    {"POST", V1 "/findings/{id}/dismiss", "finding.decide", ROUTE_IF_MATCH | ROUTE_SERIAL, handle_finding_dismiss, "Dismiss a finding, with a reason",
     NULL, "why", "finding", 200},
    {"POST", V1 "/findings/{id}/reopen", "finding.decide", ROUTE_IF_MATCH | ROUTE_SERIAL, handle_finding_reopen,
     "Open a dismissed finding again, with a reason", NULL, "why", "finding", 200},
    {"GET", V1 "/ledger", "ledger.read", 0, handle_ledger_get, "State of the ledger", NULL, NULL, "ledger", 200},
    {"POST", V1 "/ledger/verify", "ledger.verify", ROUTE_SERIAL, handle_ledger_verify, "Check the whole ledger; the outcome shows in GET /ledger",
     NULL, NULL, "started", 202},
    {"GET", V1 "/ledger/records", "ledger.read", ROUTE_LIST, handle_ledger_records, "Records, newest first", NULL, NULL, "[ledger_record]", 200},
    {"GET", V1 "/ledger/proof/{index}", "ledger.read", 0, handle_ledger_proof, "Proof of one record (c2sp.org/tlog-proof@v1)", NULL, NULL, "text",
     200},
    {"GET", V1 "/sensor", "device.read", 0, handle_sensor, "What the sensors read", NULL, NULL, "sensor", 200},
    {"GET", V1 "/stream", NULL, ROUTE_SIGNED, handle_stream, "Server-sent events: {topic, id, etag}", NULL, NULL, "events", 200},
    {"GET", V1 "/openapi.json", NULL, ROUTE_OPEN, handle_openapi, "This description", NULL, NULL, "any", 200},
    {"GET", "/readyz", NULL, ROUTE_OPEN, handle_ready, "Does the keeper answer?", NULL, NULL, "ready", 200},
    {"GET", "/metrics", "metrics.read", 0, handle_metrics, "Counters in the Prometheus text format", NULL, NULL, "text", 200},
};

const size_t api_route_count = sizeof api_routes / sizeof api_routes[0];
