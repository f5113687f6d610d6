// A course's text: runs and blocks as the program read them. Text is drawn as text; nothing in it is HTML.

import { Fragment } from 'react';
import type { CourseBlock, CourseRun, CourseSource } from './types';

export function Runs({ runs, sources }: { runs: CourseRun[]; sources: CourseSource[] }) {
    return runs.map((run, i) => {
        if ('source' in run) {
            const number = sources.findIndex((source) => source.id === run.source) + 1;
            return (
                <sup key={i} title={sources[number - 1]?.name}>
                    [{number}]
                </sup>
            );
        }
        switch (run.as) {
            case 'strong':
                return <strong key={i}>{run.text}</strong>;
            case 'soft':
                return <em key={i}>{run.text}</em>;
            case 'code':
                return <code key={i}>{run.text}</code>;
            default:
                return <Fragment key={i}>{run.text}</Fragment>;
        }
    });
}

function Block({ block, sources }: { block: CourseBlock; sources: CourseSource[] }) {
    switch (block.kind) {
        case 'heading':
            return (
                <h2>
                    <Runs runs={block.runs} sources={sources} />
                </h2>
            );
        case 'note':
            return (
                <p className="remember">
                    <Runs runs={block.runs} sources={sources} />
                </p>
            );
        case 'picture':
            return <img src={`/api/v1/courses/pictures/${block.picture}`} alt={block.shows} loading="lazy" />;
        case 'list':
        case 'steps': {
            const List = block.kind === 'list' ? 'ul' : 'ol';
            return (
                <List>
                    {block.items.map((runs, i) => (
                        <li key={i}>
                            <Runs runs={runs} sources={sources} />
                        </li>
                    ))}
                </List>
            );
        }
        default:
            return (
                <p>
                    <Runs runs={block.runs} sources={sources} />
                </p>
            );
    }
}

export function Blocks({ blocks, sources }: { blocks: CourseBlock[]; sources: CourseSource[] }) {
    return blocks.map((block, i) => <Block key={i} block={block} sources={sources} />);
}
