// One event stream per browser, shared by its tabs: the tab that holds the lock listens and tells the others. HTTP/1.1 allows six connections
// per host, so a stream per tab would starve the seventh. When the leading tab closes, the lock passes to another by itself.

import { connection } from './connection';
import type { Notice } from './types';

type Listener = (notice: Notice) => void;

const LOCK = 'tourniquet-stream';
const RETRY_MS = 3000;

/** Listens until stopped. "reconnected" is told as the topic "all": whatever happened meanwhile was missed. */
export function listen(onNotice: Listener): () => void {
    const channel = new BroadcastChannel(LOCK);
    const stop = new AbortController();
    let source: EventSource | null = null;
    let retry: ReturnType<typeof setTimeout> | undefined;
    let broken = false;

    const tell = (notice: Notice) => {
        channel.postMessage(notice);
        onNotice(notice);
    };
    const open = () => {
        source = new EventSource('/api/v1/stream');
        source.onopen = () => {
            connection.found();
            if (broken) {
                broken = false;
                tell({ topic: 'all', id: '', etag: '' });
            }
        };
        source.onmessage = (event: MessageEvent<string>) => {
            try {
                tell(JSON.parse(event.data) as Notice);
            } catch {
                // A line that is no notice changes nothing.
            }
        };
        source.onerror = () => {
            broken = true;
            source?.close();
            connection.check();
            retry = setTimeout(open, RETRY_MS);
        };
    };
    channel.onmessage = (event: MessageEvent<Notice>) => onNotice(event.data);
    void navigator.locks
        .request(LOCK, { signal: stop.signal }, () => {
            open();
            return new Promise<void>((leave) => stop.signal.addEventListener('abort', () => leave()));
        })
        .catch(() => undefined);

    return () => {
        stop.abort();
        clearTimeout(retry);
        source?.close();
        channel.close();
    };
}
