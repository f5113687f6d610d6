// Filters, sort and place live in the URL: Back and reload return to them.

import { useCallback } from 'react';
import { useLocation, useSearch } from 'wouter';

export function useParams<K extends string>(defaults: Record<K, string>): [Record<K, string>, (change: Partial<Record<K, string>>, replace?: boolean) => void] {
    const search = useSearch();
    const [path, go] = useLocation();
    const given = new URLSearchParams(search);
    const values = Object.fromEntries(Object.entries<string>(defaults).map(([k, otherwise]) => [k, given.get(k) ?? otherwise])) as Record<K, string>;
    const change = useCallback(
        (next: Partial<Record<K, string>>, replace = false) => {
            const params = new URLSearchParams(window.location.search);
            for (const [key, value] of Object.entries<string | undefined>(next)) {
                if (value === undefined || value === '' || value === defaults[key as K]) {
                    params.delete(key);
                } else {
                    params.set(key, value);
                }
            }
            const text = params.toString();
            go(text === '' ? path : `${path}?${text}`, { replace });
        },
        [go, path, defaults],
    );
    return [values, change];
}
