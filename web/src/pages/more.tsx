// What the phone's bottom bar has no room for.

import { Button } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { IconSearch } from '@tabler/icons-react';
import { Link } from 'wouter';
import { useSession } from '../api/queries';
import { Head } from '../parts/head';
import { Choices } from '../parts/settings';
import { leave, openSearch, usePlaces } from '../parts/shell';
import { Panel } from '../parts/states';
import { personRole } from '../words';

export function MorePage() {
    const session = useSession().data;
    const places = usePlaces();
    if (!session) {
        return null;
    }
    return (
        <>
            <Head name={t`More`} line={session.person.display_name} note={personRole(session.person.role)}>
                <Button variant="default" onClick={openSearch} leftSection={<IconSearch size={20} aria-hidden />}>
                    <Trans>Search</Trans>
                </Button>
                <Button variant="default" onClick={() => void leave()}>
                    <Trans>Switch person</Trans>
                </Button>
            </Head>
            <Panel title={t`Pages`}>
                <ul className="cards">
                    {places.slice(4).map((place) => (
                        <li key={place.path}>
                            <Link href={place.path} className="card">
                                <strong>{place.word()}</strong>
                            </Link>
                        </li>
                    ))}
                    <li>
                        <Link href="/sign-in" className="card">
                            <strong>
                                <Trans>My sign-in</Trans>
                            </strong>
                        </Link>
                    </li>
                </ul>
            </Panel>
            <Panel title={t`Settings`}>
                <div className="inside">
                    <Choices />
                    <p className="muted small">
                        <Trans>Kept in this browser.</Trans>
                    </p>
                </div>
            </Panel>
        </>
    );
}
