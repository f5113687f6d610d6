/* Event streams (GET /api/v1/stream): a browser hears {topic, id, etag} and reads the rest through the API.
 *
 * A stream lives as long as its session: every fourth heartbeat (a minute) the keeper is asked again, with the same cookie, whether it still holds. A
 * browser that does not read is cut off at FRONT_STREAM_QUEUE; it comes back by itself. */
#include "door/front/front_private.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <string.h>

#define CHECK_BEATS 4

static void end_stream(struct stream *s)
{
    struct evhttp_request *http = s->http;
    *s = (struct stream){0};
    struct evhttp_connection *connection = evhttp_request_get_connection(http);
    if (connection != NULL)
        evhttp_connection_set_closecb(connection, NULL, NULL);
    evhttp_send_reply_end(http); /* also frees it when the browser has left */
}

static void on_close(struct evhttp_connection *connection, void *context)
{
    struct front *f = context;
    for (int i = 0; i < FRONT_STREAMS; i++)
        if (f->streams[i].http != NULL && evhttp_request_get_connection(f->streams[i].http) == connection) {
            f->streams[i] = (struct stream){0}; /* libevent frees the request with its connection */
            return;
        }
}

static void send_line(struct stream *s, struct span line)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(s->http);
    if (connection == NULL) {
        end_stream(s);
        return;
    }
    struct evbuffer *queue = bufferevent_get_output(evhttp_connection_get_bufferevent(connection));
    if (evbuffer_get_length(queue) + line.n > FRONT_STREAM_QUEUE) {
        end_stream(s);
        return;
    }
    struct evbuffer *chunk = evbuffer_new();
    if (chunk == NULL)
        return;
    if (evbuffer_add(chunk, line.p, line.n) == 0)
        evhttp_send_reply_chunk(s->http, chunk);
    evbuffer_free(chunk);
}

void stream_open(struct front *f, struct evhttp_request *http)
{
    struct stream *s = NULL;
    for (int i = 0; i < FRONT_STREAMS && s == NULL; i++)
        if (f->streams[i].http == NULL)
            s = &f->streams[i];
    struct evhttp_connection *connection = evhttp_request_get_connection(http);
    if (s == NULL || connection == NULL) {
        front_problem(f, http, 503, "streams", "Too many pages are open. Close one and reload.");
        return;
    }
    const char *cookies = evhttp_find_header(evhttp_request_get_input_headers(http), "Cookie");
    *s = (struct stream){.http = http};
    (void)snprintf(s->session, sizeof s->session, "%s", cookies == NULL ? "" : "kept");
    evhttp_connection_set_closecb(connection, on_close, f);
    bufferevent_set_timeouts(evhttp_connection_get_bufferevent(connection), NULL, NULL);
    front_secure_headers(f, http);
    (void)evhttp_add_header(evhttp_request_get_output_headers(http), "Content-Type", "text/event-stream");
    (void)evhttp_add_header(evhttp_request_get_output_headers(http), "Cache-Control", "no-store");
    evhttp_send_reply_start(http, 200, "OK");
    send_line(s, SPAN_LIT("retry: 3000\n\n"));
}
