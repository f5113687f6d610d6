import { MantineProvider } from '@mantine/core';
import { I18nProvider } from '@lingui/react';
import { i18n } from '@lingui/core';
import { t } from '@lingui/core/macro';
import { QueryClientProvider } from '@tanstack/react-query';
import { setNonce } from 'get-nonce';
import { Component, lazy, Suspense, useSyncExternalStore, type ReactNode } from 'react';
import { Route, Switch } from 'wouter';
import { useLostAt } from './api/connection';
import { client, useLock, useSession, useSetupNeeded } from './api/queries';
import { useMay } from './may';
import { DevicePage } from './pages/device';
import { DevicesPage } from './pages/devices';
import { FindingPage } from './pages/finding';
import { FindingsPage } from './pages/findings';
import { LockedPage } from './pages/locked';
import { MorePage } from './pages/more';
import { NotFoundPage } from './pages/notfound';
import { ResultPage } from './pages/result';
import { ResultsPage } from './pages/results';
import { SetUpPage } from './pages/setup';
import { SignInPage } from './pages/signin';
import { TodayPage } from './pages/today';
import { Shell } from './parts/shell';
import { Failed, Loading } from './parts/states';
import { theme, variables } from './theme';

const LedgerPage = lazy(() => import('./pages/ledger'));
const ImportPage = lazy(() => import('./pages/import'));
const CertificatesPage = lazy(() => import('./pages/certificates'));
const LinksPage = lazy(() => import('./pages/links'));
const LearnPage = lazy(() => import('./pages/learn'));
const CoursePage = lazy(() => import('./pages/course'));
const LessonPage = lazy(() => import('./pages/lesson'));
const MethodsPage = lazy(() => import('./pages/methods'));
const LooksPage = lazy(() => import('./pages/looks'));
const PeoplePage = lazy(() => import('./pages/people'));
const PersonPage = lazy(() => import('./pages/person'));
const PeopleImportPage = lazy(() => import('./pages/peopleimport'));
const ActsPage = lazy(() => import('./pages/acts'));
const AccountPage = lazy(() => import('./pages/account'));

const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';
setNonce(nonce);

/** A page that fails to draw does not take the rail with it. */
class Guard extends Component<{ children: ReactNode; place: string }, { error: unknown; place: string }> {
    state = { error: null as unknown, place: this.props.place };
    static getDerivedStateFromError(error: unknown) {
        return { error };
    }
    static getDerivedStateFromProps(props: { place: string }, state: { place: string }) {
        return props.place === state.place ? null : { error: null, place: props.place };
    }
    render() {
        if (this.state.error !== null) {
            return <Failed what={t`this page`} error={this.state.error} again={() => this.setState({ error: null })} />;
        }
        return this.props.children;
    }
}

/** Where somebody begins: Today, or what there is to learn where Today is not theirs. */
function HomePage() {
    return useMay('today.read') ? (
        <TodayPage />
    ) : (
        <Suspense fallback={<Loading what={t`this page`} />}>
            <LearnPage />
        </Suspense>
    );
}

function Pages() {
    return (
        <Route path="*?">
            {(params) => (
                <Guard place={params['*'] ?? ''}>
                    <Switch>
                        <Route path="/" component={HomePage} />
                        <Route path="/findings" component={FindingsPage} />
                        <Route path="/findings/:id">{({ id }) => <FindingPage key={id} id={id} />}</Route>
                        <Route path="/results" component={ResultsPage} />
                        <Route path="/results/:record">{({ record }) => <ResultPage key={record} record={record} />}</Route>
                        <Route path="/devices" component={DevicesPage} />
                        <Route path="/devices/import">
                            <Suspense fallback={<Loading what={t`this page`} />}>
                                <ImportPage />
                            </Suspense>
                        </Route>
                        <Route path="/devices/:id">{({ id }) => <DevicePage key={id} id={id} />}</Route>
                        <Route path="/ledger">
                            <Suspense fallback={<Loading what={t`this page`} />}>
                                <LedgerPage />
                            </Suspense>
                        </Route>
                        <Route path="/certificates">
                            <Suspense fallback={<Loading what={t`this page`} />}>
                                <CertificatesPage />
                            </Suspense>
                        </Route>
                        <Route path="/links">
                            <Suspense fallback={<Loading what={t`this page`} />}>
                                <LinksPage />
                            </Suspense>
                        </Route>
                        <Route path="/looks">
                            <Suspense fallback={<Loading what={t`this page`} />}>
                                <LooksPage />
                            </Suspense>
                        </Route>
                        <Route path="/learn">
                            <Suspense fallback={<Loading what={t`this page`} />}>
                                <LearnPage />
                            </Suspense>
                        </Route>
                        <Route path="/learn/:id">
                            {({ id }) => (
                                <Suspense fallback={<Loading what={t`this page`} />}>
                                    <CoursePage key={id} id={id} />
                                </Suspense>
                            )}
                        </Route>
                        <Route path="/learn/:id/:number">
                            {({ id, number }) => (
                                <Suspense fallback={<Loading what={t`this page`} />}>
                                    <LessonPage id={id} number={Number(number) - 1} />
                                </Suspense>
                            )}
                        </Route>
                        <Route path="/sign-in">
                            <Suspense fallback={<Loading what={t`this page`} />}>
                                <MethodsPage />
                            </Suspense>
                        </Route>
                        <Route path="/people">
                            <Suspense fallback={<Loading what={t`this page`} />}>
                                <PeoplePage />
                            </Suspense>
                        </Route>
                        <Route path="/people/import">
                            <Suspense fallback={<Loading what={t`this page`} />}>
                                <PeopleImportPage />
                            </Suspense>
                        </Route>
                        <Route path="/people/:name">
                            {({ name }) => (
                                <Suspense fallback={<Loading what={t`this page`} />}>
                                    <PersonPage key={name} name={name} />
                                </Suspense>
                            )}
                        </Route>
                        <Route path="/acts">
                            <Suspense fallback={<Loading what={t`this page`} />}>
                                <ActsPage />
                            </Suspense>
                        </Route>
                        <Route path="/account">
                            <Suspense fallback={<Loading what={t`this page`} />}>
                                <AccountPage />
                            </Suspense>
                        </Route>
                        <Route path="/more" component={MorePage} />
                        <Route component={NotFoundPage} />
                    </Switch>
                </Guard>
            )}
        </Route>
    );
}

function Door() {
    const lock = useLock();
    const open = lock.data?.stage === 'open';
    const setup = useSetupNeeded(open);
    const session = useSession(open);
    const lost = useLostAt();
    if (lock.data !== undefined && !open) {
        return <LockedPage lock={lock.data} />;
    }
    if (session.data) {
        return (
            <Shell>
                <Pages />
            </Shell>
        );
    }
    if (lock.isPending || (open && (setup.isPending || session.isPending))) {
        return null;
    }
    if (lock.isError || setup.isError || session.isError || lost) {
        return (
            <main className="door">
                <div className="door-box">
                    <Failed
                        what="Tourniquet"
                        error={lock.error ?? setup.error ?? session.error}
                        again={() => {
                            void lock.refetch();
                            void setup.refetch();
                            void session.refetch();
                        }}
                    />
                </div>
            </main>
        );
    }
    return setup.data?.needed ? <SetUpPage /> : <SignInPage />;
}

export function App() {
    // A change of language draws everything anew: words are looked up while drawing.
    const locale = useSyncExternalStore(
        (l) => i18n.on('change', l),
        () => i18n.locale,
    );
    return (
        <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" getStyleNonce={() => nonce}>
            <QueryClientProvider client={client}>
                <I18nProvider i18n={i18n} key={locale}>
                    <Door />
                </I18nProvider>
            </QueryClientProvider>
        </MantineProvider>
    );
}
