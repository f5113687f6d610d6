// On Learn: simulated mails that one got oneself. Nobody else sees them.

import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { Mark } from '../parts/mark';
import { Panel } from '../parts/states';
import { day } from '../time';
import { useMyMails } from './ask';

export default function MyMails() {
    const mails = useMyMails().data?.items ?? [];
    if (mails.length === 0) {
        return null;
    }
    return (
        <Panel title={t`Test mails that reached you`}>
            <ul className="kept">
                {mails.map((mail) => (
                    <li key={mail.campaign}>
                        <div className="what">
                            <strong className="break">{mail.subject}</strong>
                            <p>
                                {mail.reported !== null ? (
                                    <Mark state="good">{mail.visited !== null ? t`You reported it, after the link: well done.` : t`You reported it: well done.`}</Mark>
                                ) : mail.visited !== null ? (
                                    <Mark state="info">{t`You followed the link. It happens to anybody.`}</Mark>
                                ) : (
                                    <Mark state="info">{t`You did not follow it. Next time, report it too.`}</Mark>
                                )}
                            </p>
                            <p className="muted small">
                                {mail.sender}, {day(mail.time)}
                            </p>
                            <details>
                                <summary>{t`How it could be known`}</summary>
                                <ul>
                                    {mail.signs.map((sign) => (
                                        <li key={sign}>{sign}</li>
                                    ))}
                                </ul>
                            </details>
                        </div>
                    </li>
                ))}
            </ul>
            <p className="muted small inside">
                <Trans>Only you see this. Others see counts, of five people and more.</Trans>
            </p>
        </Panel>
    );
}
