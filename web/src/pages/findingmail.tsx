// Who is told new findings by mail, what went last, and a test of it.

import { Button } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useLostAt } from '../api/connection';
import { useFindingMail, useTestFindingMail } from '../api/queries';
import type { FindingMail, Told } from '../api/types';
import { useMay } from '../may';
import { Age } from '../parts/age';
import { show } from '../parts/say';
import { Asked, Empty, Panel } from '../parts/states';
import { severityWord } from '../words';
import { problem } from './door';

function Went({ told, test }: { told: Told; test: boolean }) {
    const many = plural(told.addresses, { one: '# address', other: '# addresses' });
    const what = plural(told.findings, { one: '# finding', other: '# findings' });
    return (
        <p>
            {test ? (
                <Trans>
                    Last test <Age at={told.time} />, to {many}.
                </Trans>
            ) : (
                <Trans>
                    Last told <Age at={told.time} />: {what}, to {many}.
                </Trans>
            )}{' '}
            {told.why !== null && <Trans>It did not go to all: {told.why}.</Trans>}
        </p>
    );
}

function Who({ mail }: { mail: FindingMail }) {
    const from = severityWord(mail.from);
    return (
        <>
            <p className="break">
                <Trans>
                    New findings go to {mail.addresses.join(', ')}, from the severity “{from}” on: together, at most one mail in 15 minutes, in 2 where one is critical.
                </Trans>
            </p>
            {mail.last !== null ? <Went told={mail.last} test={false} /> : <p className="muted"><Trans>None was told by mail yet.</Trans></p>}
            {mail.tested !== null && <Went told={mail.tested} test />}
        </>
    );
}

export function ByMail() {
    const query = useFindingMail();
    const decides = useMay('finding.decide');
    const away = useLostAt() !== null;
    const test = useTestFindingMail();
    const go = () =>
        test.mutate(undefined, {
            onSuccess: () => show({ text: t`A test is on its way. What comes of it shows here.` }),
            onError: (error) => show({ text: problem(error).detail || t`Tourniquet did not answer.` }),
        });
    return (
        <Panel title={t`By mail`}>
            <Asked what={t`who is told by mail`} query={query} rows={2}>
                {(mail) =>
                    mail.addresses.length === 0 ? (
                        <Empty title={t`Nobody is told new findings by mail.`}>
                            <Trans>Name addresses with mail.findings in lab.yaml: whoever is on call hears of it without a look at this page.</Trans>
                        </Empty>
                    ) : (
                        <div className="inside">
                            <Who mail={mail} />
                            {decides && (
                                <div className="acts">
                                    <Button variant="default" disabled={away} loading={test.isPending} onClick={go}>
                                        <Trans>Send a test</Trans>
                                    </Button>
                                </div>
                            )}
                        </div>
                    )
                }
            </Asked>
        </Panel>
    );
}
