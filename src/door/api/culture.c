/* GET /culture: where we are, where we were, what helps most now. Counts only. */
#include "door/api/training.h"

#include "lab/culture.h"

static void put_window(struct jsonw *j, const char *key, const struct culture_window *w)
{
    bool fair = w->phishing.sent >= PHISHING_FAIR;
    jsonw_key(j, key);
    jsonw_object(j);
    jsonw_put_int(j, "trained", w->trained);
    jsonw_put_int(j, "trained_late", w->trained_late);
    jsonw_put_int(j, "reports", w->reports);
    jsonw_put_int(j, "reports_answered", w->reports_answered);
    jsonw_put_int(j, "mails", w->mails);
    jsonw_key(j, "answer_s");
    if (w->answer_s >= 0)
        jsonw_int(j, w->answer_s);
    else
        jsonw_str(j, NULL);
    jsonw_put_int(j, "simulated", w->phishing.sent);
    jsonw_put_bool(j, "shown", fair);
    if (fair) {
        jsonw_put_int(j, "reported", w->phishing.reported);
        jsonw_put_int(j, "visited", w->phishing.visited);
    }
    jsonw_put_int(j, "reviews", w->reviews);
    jsonw_put_int(j, "findings", w->findings);
    jsonw_object_end(j);
}

void handle_culture(struct call *c)
{
    struct error e = {0};
    struct culture x;
    struct jsonw *j = &c->json;
    const struct api *api = c->api;
    int64_t n = 0;
    if (culture_get(c->db, views_zone(api->views), c->now.wall, &x, &e) != 0) {
        problem_store(c, &e);
        return;
    }
    enum culture_next next = culture_next(&x, api->training.mail && api->landing[0] != 0 && api->phishing_domains[0] != 0, &n);
    jsonw_object(j);
    jsonw_put_int(j, "days", CULTURE_DAYS);
    jsonw_put_str(j, "site", api->site);
    put_window(j, "now", &x.now);
    put_window(j, "before", &x.before);
    jsonw_put_int(j, "people", x.people);
    jsonw_put_int(j, "people_late", x.people_late);
    jsonw_put_int(j, "duties", x.duties);
    jsonw_put_int(j, "done", x.done);
    jsonw_put_int(j, "reports_waiting", x.reports_waiting);
    jsonw_put_int(j, "reports_old", x.reports_old);
    jsonw_put_int(j, "mails_waiting", x.mails_waiting);
    jsonw_put_int(j, "mails_old", x.mails_old);
    jsonw_put_int(j, "accounts", x.accounts);
    jsonw_put_int(j, "reviews_due", x.reviews_due);
    jsonw_put_int(j, "tasks", x.tasks);
    jsonw_put_int(j, "tasks_untaken", x.tasks_untaken);
    jsonw_put_int(j, "tasks_urgent", x.tasks_urgent);
    jsonw_put_str(j, "next", culture_next_name(next));
    jsonw_put_int(j, "next_n", n);
    jsonw_object_end(j);
}
