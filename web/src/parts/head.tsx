// The top of a page: its name, and line one, which answers the page's question.

import { useEffect, useRef, type ReactNode } from 'react';
import { useSession } from '../api/queries';

let first = true;

export function Head({ name, parent, line, note, children }: { name: string; parent?: ReactNode; line: ReactNode; note?: ReactNode; children?: ReactNode }) {
    const site = useSession().data?.site;
    const heading = useRef<HTMLHeadingElement>(null);
    useEffect(() => {
        document.title = site ? `${name} · ${site} · Tourniquet` : `${name} · Tourniquet`;
    }, [name, site]);
    useEffect(() => {
        // After a change of page, reading starts at its answer; the first page leaves focus where the browser put it.
        if (!first) {
            heading.current?.focus({ preventScroll: true });
        }
        first = false;
    }, []);
    return (
        <div className="page-head">
            <div>
                <p className="page-name">
                    {parent && (
                        <>
                            {parent}
                            <span aria-hidden="true">/</span>
                        </>
                    )}
                    <span>{name}</span>
                </p>
                <h1 tabIndex={-1} ref={heading}>
                    {line}
                </h1>
                {note && <div className="page-note">{note}</div>}
            </div>
            {children && <div className="acts">{children}</div>}
        </div>
    );
}
