#include "lab/today.h"

#include "lab/capture.h"
#include "lab/inventory/admission.h"
#include "lab/inventory/asset.h"
#include "lab/ledger_view.h"
#include "lab/respond/finding.h"
#include "lab/views_private.h"

#include <stdio.h>

static void note_capture(void *context, const struct capture_row *row)
{
    struct today *t = context;
    bool reading = span_is(row->state, "reading");
    if (!t->capture || reading)
        (void)snprintf(t->capture_state, sizeof t->capture_state, "%.*s", (int)row->state.n, (const char *)row->state.p);
    t->capture = true;
    t->packets += row->packets;
    if (row->last_time > t->capture_last)
        t->capture_last = row->last_time;
}

int today_get(struct store_conn *c, struct today *ret, struct error *e)
{
    struct error own = {0};
    struct today t = {0};
    struct ledger_check_row check;
    struct finding_query open = {.state = SPAN_LIT("open"), .rank_min = RANK_NEED, .rank_max = RANK_CRITICAL};
    t.needs = finding_needs_total(c, &own);
    t.findings_open = finding_total(c, &open, &own);
    open.rank_min = RANK_CRITICAL;
    t.findings_critical = finding_total(c, &open, &own);
    t.devices = asset_total(c, &(struct asset_query){0}, &own);
    t.devices_unknown = asset_unknown(c, &own);
    t.devices_waiting = admission_waiting(c, &own);
    t.devices_refused = admission_refused_heard(c, &own);
    t.needs += (t.devices_waiting > 0) + (t.devices_refused > 0);
    t.results = counter_get(c, "results", &own);
    t.messages = counter_get(c, "messages", &own);
    t.malformed = counter_get(c, "malformed", &own);
    t.messages_clear = counter_get(c, "messages_clear", &own);
    t.not_kept = counter_get(c, "assets_not_kept", &own) + counter_get(c, "addresses_not_kept", &own) +
                 counter_get(c, "conversations_not_kept", &own) + counter_get(c, "findings_not_kept", &own);
    t.senders = store_run_int(store_stmt(c, "SELECT count(DISTINCT root) FROM asset WHERE results_sent > 0"), 0, &own);
    t.changed = (uint64_t)store_run_int(store_stmt(c, "SELECT max(record) FROM ledger_row"), 0, &own);
    (void)capture_list(c, note_capture, &t, &own);
    (void)ledger_check_get(c, &check, &own);
    if (own.class != ERR_NONE) {
        *e = own;
        return -1;
    }
    t.ledger_checked = check.any;
    t.ledger_holds = check.holds;
    t.ledger_verified = check.at;
    *ret = t;
    return 0;
}

static void add_count(struct buf *out, int64_t n)
{
    if (n >= 1000) {
        add_count(out, n / 1000);
        buf_addf(out, ",%03d", (int)(n % 1000));
    } else {
        buf_addf(out, "%d", (int)n);
    }
}

void today_sentence(const struct today *t, struct buf *out)
{
    if (t->ledger_checked && !t->ledger_holds)
        buf_add_str(out, "The record does not hold: it was changed, or the disk is damaged. ");
    if (t->needs == 0) {
        buf_add_str(out, "Nothing needs you. ");
    } else {
        add_count(out, t->needs);
        buf_add_str(out, t->needs == 1 ? " thing needs you. " : " things need you. ");
    }
    if (!t->capture) {
        buf_add_str(out, "No network is being watched yet.");
    } else if (t->results == 0) {
        buf_add_str(out, "No results seen yet.");
    } else {
        add_count(out, t->results);
        buf_add_str(out, t->results == 1 ? " result seen, from " : " results seen, from ");
        add_count(out, t->senders);
        buf_add_str(out, t->senders == 1 ? " device." : " devices.");
    }
    if (t->devices_waiting > 0) {
        buf_u8(out, ' ');
        add_count(out, t->devices_waiting);
        buf_add_str(out, t->devices_waiting == 1 ? " device waits for somebody to vouch for it." : " devices wait for somebody to vouch for them.");
    }
    if (t->devices_refused > 0) {
        buf_u8(out, ' ');
        add_count(out, t->devices_refused);
        buf_add_str(out, t->devices_refused == 1 ? " device that was refused is still there." : " devices that were refused are still there.");
    }
    if (t->not_kept > 0)
        buf_add_str(out, " Not everything found room: more devices, addresses, conversations or findings were seen than are kept.");
    if (t->capture && strcmp(t->capture_state, "failed") == 0)
        buf_add_str(out, " Watching has failed: nothing new is seen.");
}
